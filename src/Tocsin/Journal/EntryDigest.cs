using System.Security.Cryptography;
using System.Text;

namespace Tocsin.Journal;

/// <summary>
/// One hash (SHA-256) over entries or rows of state in their order, from every field that is kept: two journals with the same digest hold the same. Texts go in
/// with their length, what is absent with a mark of its own, so that no two contents write the same bytes.
/// </summary>
internal sealed class EntryDigest : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream _buffer = new();
    private readonly BinaryWriter _writer;

    public EntryDigest() => _writer = new BinaryWriter(_buffer, Encoding.UTF8);

    /// <summary>Adds an entry.</summary>
    public void Add(Sequenced entry)
    {
        _writer.Write(entry.Sequence);
        switch (entry.Entry)
        {
            case SecurityEvent e:
                Write(e);
                break;
            case Amendment amendment:
                Write(amendment);
                break;
        }
        Flush();
    }

    /// <summary>Adds a row of state, without its version: that is the engine's own.</summary>
    public void Add(StateRow row)
    {
        Write(row.Name);
        Write(row.Key);
        Write(row.Value);
        Flush();
    }

    /// <summary>The hash so far, in hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public void Dispose()
    {
        _writer.Dispose();
        _hash.Dispose();
    }

    private void Write(SecurityEvent e)
    {
        _writer.Write((byte)'e');
        Span<byte> id = stackalloc byte[EventId.SizeInBytes];
        e.Id.WriteTo(id);
        _writer.Write(id);
        Write(e.ExternalId);
        _writer.Write((int)e.Kind);
        Write(e.Source);
        _writer.Write(e.ReceivedAt.UtcTicks);
        WriteSaid(e.Type, e.Device, e.Priority, e.Time, e.UserId, e.Description, e.SrcIp, e.DstIp, e.Country, e.Attribution, e.Data, e.Fingerprint);
    }

    private void Write(Amendment amendment)
    {
        _writer.Write((byte)'a');
        _writer.Write(amendment.Target);
        _writer.Write(amendment.At.UtcTicks);
        Write(amendment.By);
        Write(amendment.UserId);
        _writer.Write((int?)amendment.Priority ?? -1);
        _writer.Write(amendment.Attribution is not null);
        if (amendment.Attribution is { } attribution)
            Write(attribution);
        _writer.Write(amendment.Revision is not null);
        if (amendment.Revision is { } r)
            WriteSaid(r.Type, r.Device, r.Priority, r.Time, r.UserId, r.Description, r.SrcIp, r.DstIp, r.Country, r.Attribution, r.Data, r.Fingerprint);
    }

    private void WriteSaid(
        string type, string? device, Priority priority, EventTime time, string? userId, string? description, string? srcIp, string? dstIp, string? country,
        Attribution attribution, RawRecord data, long fingerprint)
    {
        Write(type);
        Write(device);
        _writer.Write((int)priority);
        _writer.Write(time.UnixTicks);
        _writer.Write(time.StoredPrecision);
        Write(userId);
        Write(description);
        Write(srcIp);
        Write(dstIp);
        Write(country);
        Write(attribution);
        Write(data.Utf8.Span);
        _writer.Write(fingerprint);
    }

    private void Write(Attribution attribution)
    {
        _writer.Write((int)attribution.Rule);
        Write(attribution.Source);
        Write(attribution.Address);
    }

    private void Write(string? text)
    {
        _writer.Write(text is not null);
        if (text is not null)
            _writer.Write(text);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _writer.Write(bytes.Length);
        _writer.Write(bytes);
    }

    private void Flush()
    {
        _hash.AppendData(_buffer.GetBuffer().AsSpan(0, (int)_buffer.Length));
        _buffer.SetLength(0);
    }
}
