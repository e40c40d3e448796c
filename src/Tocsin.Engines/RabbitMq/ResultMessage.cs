using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>What the commit of a request came to, for the node that waits to answer it.</summary>
internal static class ResultMessage
{
    private const byte Version = 1;

    public static void Write(MessageWriter to, AppendResult result)
    {
        to.Byte(Version);
        to.Byte((byte)result.Status);
        to.Number((ulong)result.Entries.Count);
        foreach (var entry in result.Entries)
        {
            to.Byte((byte)entry.Status);
            to.Number((ulong)entry.Sequence);
        }
    }

    /// <summary>Throws <see cref="InvalidDataException"/> when the bytes are no such message.</summary>
    public static AppendResult Read(ReadOnlySpan<byte> body)
    {
        var from = new MessageReader(body);
        if (from.Byte() != Version)
            throw new InvalidDataException("it is of another version");
        var status = (AppendStatus)from.Byte();
        var entries = new EntryResult[from.Count(Append.MaxEntries)];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = new EntryResult((EntryStatus)from.Byte(), (long)from.Number());
        return new AppendResult(status, entries);
    }
}
