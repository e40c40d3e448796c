using System.Globalization;

namespace Tocsin.Collect;

/// <summary>Where a poll begins, as the upstream wants to read it. Pure.</summary>
internal static class CursorText
{
    /// <summary>The value of the cursor's parameter: at the bookmark less the overlap, or where the first poll begins; null leaves the parameter out.</summary>
    public static string? Ask(CursorDefinition cursor, string? position, DateTimeOffset now)
    {
        if (!cursor.IsTime)
            return position is null ? cursor.StartText : cursor.Prefix + position;
        var from = Start(cursor, position, now).ToDateTimeOffset();
        var overlap = position is null ? TimeSpan.Zero : cursor.Overlap;
        from = from - DateTimeOffset.MinValue > overlap ? from - overlap : DateTimeOffset.MinValue;
        return cursor.Prefix + Text(cursor.Format, from);
    }

    /// <summary>
    /// The bookmark, or where there is none yet the instant that the first poll asks from. A bookmark after now is one that our clock set when it was
    /// ahead: now is as far as it can be trusted.
    /// </summary>
    public static EventTime Start(CursorDefinition cursor, string? position, DateTimeOffset now) =>
        position is not null && EventTime.TryParse(position, out var time) ? (time > EventTime.From(now) ? EventTime.From(now) : time)
        : cursor.StartTime ?? EventTime.From(now - DateTimeOffset.MinValue > cursor.StartBack ? now - cursor.StartBack : DateTimeOffset.MinValue);

    // Rounded down: asking a moment earlier than needed brings what is known already, a moment later would lose something.
    private static string Text(CursorFormat format, DateTimeOffset from) => format switch
    {
        CursorFormat.Unix => from.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        CursorFormat.UnixMs => from.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
        _ => from.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
    };
}
