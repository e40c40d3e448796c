using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tocsin.Journal;

namespace Tocsin.Server.Api;

/// <summary>
/// Where a walk through events goes on: behind which event, up to which sequence it sees, and the clock of its first page, so that a span before now
/// means the same on every page. A check sum stands at the end: a damaged cursor must not skip events unnoticed.
/// </summary>
internal sealed record EventCursor(EventPosition After, long Ceiling, DateTimeOffset AsOf)
{
    private const int CheckBytes = 4;

    /// <summary>No service of this kind ran before; a clock that says so is none.</summary>
    private const int FirstYear = 2000;

    private const string NotOurs = "it is not a cursor that Tocsin gave; take it from the Link header as it stands";

    public string Write(string filter)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{After.Time} {After.Sequence} {Ceiling} {EventTime.From(AsOf)}");
        return PageCursor.Write(filter, $"{text} {Check(text)}");
    }

    /// <summary>Null and a reason when it is no cursor of this filter in a journal that ends at <paramref name="head"/>.</summary>
    public static EventCursor? Read(string cursor, string filter, long head, out string? reason)
    {
        if (PageCursor.Read(cursor, filter, out reason) is not { } text)
            return null;
        reason = NotOurs;
        var parts = text.Split(' ');
        if (parts.Length != 5 || parts[4] != Check(text[..^(parts[4].Length + 1)])
            || !EventTime.TryParse(parts[0], out var time) || !TryNumber(parts[1], out var sequence) || !TryNumber(parts[2], out var ceiling)
            || !EventTime.TryParse(parts[3], out var asOf) || asOf.ToDateTimeOffset().Year < FirstYear)
            return null;
        if (ceiling > head)
        {
            reason = "the journal it was made from was longer than this one: start again without a cursor";
            return null;
        }
        reason = null;
        return new EventCursor(new EventPosition(time, sequence), ceiling, asOf.ToDateTimeOffset());
    }

    private static bool TryNumber(string text, out long value) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static string Check(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, CheckBytes));
}
