using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// A pushed request as one message: all that its commit needs, as the door decided it (ids, when it was received, fingerprints, the Idempotency-Key).
/// Messages outlive the version that wrote them: the first byte says which form it is, and a form once used is read for ever.
/// </summary>
internal static class PushMessage
{
    private const byte Version = 1;
    private const byte HasKey = 1, KeyIsHeld = 2, RespondAsync = 4;

    /// <summary>Rules that name where they looked have two more texts.</summary>
    private const AttributionRule LastPlainRule = AttributionRule.Record;

    public static void Write(MessageWriter to, in Pushed pushed, bool respondAsync)
    {
        to.Byte(Version);
        to.Byte((byte)((pushed.Key is null ? 0 : HasKey) | (pushed.Key is { IsHeld: true } ? KeyIsHeld : 0) | (respondAsync ? RespondAsync : 0)));
        to.Text(pushed.Sender);
        if (pushed.Key is { } key)
        {
            to.Id(key.First);
            to.Fixed(key.Content);
        }
        to.Number((ulong)pushed.Events.Count);
        foreach (var entry in pushed.Events)
            Write(to, (SecurityEvent)entry);
    }

    /// <summary>Throws <see cref="InvalidDataException"/> when the bytes are no such message.</summary>
    public static (Pushed Pushed, bool RespondAsync) Read(ReadOnlySpan<byte> body, StringCache words)
    {
        var from = new MessageReader(body);
        if (from.Byte() is var version && version != Version)
            throw new InvalidDataException($"its form is {version}, and this version reads form {Version}");
        var flags = from.Byte();
        var sender = from.RequiredText(words);
        var key = (flags & HasKey) == 0 ? null : new PushKey(from.Id(), from.Fixed(), (flags & KeyIsHeld) != 0);
        var events = new Entry[from.Count(Append.MaxEntries)];
        for (var i = 0; i < events.Length; i++)
            events[i] = Read(ref from, words);
        if (!from.IsAtEnd || events.Length == 0)
            throw new InvalidDataException(events.Length == 0 ? "it holds no event" : "something stands behind its last event");
        return (new Pushed(sender, events, key), (flags & RespondAsync) != 0);
    }

    private static void Write(MessageWriter to, SecurityEvent e)
    {
        to.Id(e.Id);
        to.Byte((byte)e.Kind);
        to.Byte((byte)e.Priority);
        to.Fixed(e.Time.UnixTicks);
        to.Number((ulong)e.Time.StoredPrecision);
        to.Fixed(e.ReceivedAt.UtcTicks);
        to.Fixed(e.Fingerprint);
        to.Text(e.ExternalId);
        to.Text(e.Type);
        to.Text(e.Source);
        to.Text(e.Device);
        to.Text(e.UserId);
        to.Text(e.Description);
        to.Text(e.SrcIp);
        to.Text(e.DstIp);
        to.Text(e.Country);
        to.Byte((byte)e.Attribution.Rule);
        if (e.Attribution.Rule > LastPlainRule)
        {
            to.Text(e.Attribution.Source);
            to.Text(e.Attribution.Address);
        }
        to.Bytes(e.Data.Utf8.Span);
    }

    private static SecurityEvent Read(ref MessageReader from, StringCache words) => new()
    {
        Id = from.Id(),
        Kind = Known((EventKind)from.Byte()),
        Priority = Known((Priority)from.Byte()),
        Time = Time(from.Fixed(), from.Count(999)),
        ReceivedAt = Instant(from.Fixed()),
        Fingerprint = from.Fixed(),
        ExternalId = from.Text(words),
        Type = from.RequiredText(words),
        Source = from.RequiredText(words),
        Device = from.Text(words),
        UserId = from.Text(words),
        Description = from.Text(words),
        SrcIp = from.Text(words),
        DstIp = from.Text(words),
        Country = from.Text(words),
        Attribution = Known((AttributionRule)from.Byte()) switch
        {
            AttributionRule.None => Attribution.Nobody,
            AttributionRule.Record => Attribution.FromRecord,
            var rule => new Attribution(rule, from.Text(words), from.Text(words)),
        },
        Data = from.Bytes() is { IsEmpty: false } data ? new RawRecord(data.ToArray()) : RawRecord.None,
    };

    private static T Known<T>(T value)
        where T : struct, Enum => Enum.IsDefined(value) ? value : throw new InvalidDataException($"{typeof(T).Name} {value:D} is not known");

    private static EventTime Time(long ticks, int precision) => ticks >= EventTime.Min.UnixTicks && ticks <= EventTime.Max.UnixTicks
        ? EventTime.FromStored(ticks, precision) : throw new InvalidDataException("a time is out of range");

    private static DateTimeOffset Instant(long ticks) => ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks
        ? new DateTimeOffset(ticks, TimeSpan.Zero) : throw new InvalidDataException("a time is out of range");
}
