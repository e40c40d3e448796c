using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace Tocsin.Journal;

/// <summary>
/// Makes the ids by which a repeat is known. Hashes are keyed (HMAC-SHA-256 with the journal's own secret): a plain hash of priority,
/// person and time could be guessed after the record was erased.
/// </summary>
public sealed class DedupeKey(JournalInfo journal)
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _text;

    // The last one of each thread is kept: to set up a key costs more than to hash a record, and a process has one journal.
    [ThreadStatic]
    private static (byte[] Key, IncrementalHash Hmac) _hmac;

    /// <summary>The id of a record that its source names itself: unique within the source.</summary>
    public EventId OfExternalId(string source, string externalId)
    {
        var text = Text();
        CanonicalJson.Text(text, 'X', source);
        CanonicalJson.Text(text, 'x', externalId);
        return Id(text.WrittenSpan);
    }

    /// <summary>The id of an event pushed without one under an Idempotency-Key: unique within the token and the request, whose events are numbered from 0.</summary>
    public EventId OfRequest(string token, string idempotencyKey, int ordinal)
    {
        var text = Text();
        CanonicalJson.Text(text, 'I', token);
        CanonicalJson.Text(text, 'k', idempotencyKey);
        BinaryPrimitives.WriteInt32LittleEndian(text.GetSpan(4), ordinal);
        text.Advance(4);
        return Id(text.WrittenSpan);
    }

    /// <summary>
    /// The id of a record without one: its source and request, its content (never what was mapped from it: a better map must not make a
    /// new event), and its ordinal among equals in that one answer, from 1.
    /// </summary>
    public EventId OfContent(string source, string request, JsonElement record, int ordinal)
    {
        var text = Text();
        CanonicalJson.Text(text, 'C', source);
        CanonicalJson.Text(text, 'r', request);
        CanonicalJson.Write(record, text);
        BinaryPrimitives.WriteInt32LittleEndian(text.GetSpan(4), ordinal);
        text.Advance(4);
        return Id(text.WrittenSpan);
    }

    /// <summary>Tells whether a record under a known id has other content.</summary>
    public long Fingerprint(JsonElement record)
    {
        var text = Text();
        CanonicalJson.Write(record, text);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash(text.WrittenSpan, hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash);
    }

    /// <summary>Pushes come a hundred thousand a second: their keys are written into one buffer a thread.</summary>
    private static ArrayBufferWriter<byte> Text()
    {
        var text = _text ??= new ArrayBufferWriter<byte>(4096);
        text.ResetWrittenCount();
        return text;
    }

    private EventId Id(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash(text, hash);
        return EventId.FromKey(hash);
    }

    private void Hash(ReadOnlySpan<byte> text, Span<byte> hash)
    {
        if (_hmac.Key != journal.DedupeKey)
        {
            _hmac.Hmac?.Dispose();
            _hmac = (journal.DedupeKey, IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, journal.DedupeKey));
        }
        _hmac.Hmac.AppendData(text);
        _hmac.Hmac.GetHashAndReset(hash);
    }
}
