using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>How a feed of alerts says where its next page is.</summary>
internal enum Paging
{
    /// <summary><c>page</c> or <c>offset</c>, with <c>limit</c>; a bare array, all of it when none is given.</summary>
    Numbered,

    /// <summary><c>{"items": [...], "next_cursor": "..." or null}</c>.</summary>
    Cursor,

    /// <summary><c>{"items": [...], "next": an absolute URL or null}</c>.</summary>
    NextUrl,

    /// <summary>A bare array with a <c>Link</c> header, <c>rel="next"</c> (RFC 8288).</summary>
    Link,
}

/// <summary>
/// What is asked of the alerts: from a time on (Unix ticks), from a place in the log on, some of them passed over, and
/// how many (0: all).
/// </summary>
internal readonly record struct AlertQuery(long Since, int FromIndex, int Skip, int Limit)
{
    internal const int MaxPage = 10_000;

    /// <summary>Page size when a page is asked for without one.</summary>
    private const int DefaultPage = 100;

    private const string CursorPrefix = "after-";

    internal const string Rule =
        "since is ISO 8601, limit 1 to 10000, page 1 or more or offset 0 or more but not both, and cursor is one that was given";

    /// <summary>A cursor is a place in the log: it stays right whatever comes later.</summary>
    internal static string CursorAt(int index) => FormattableString.Invariant($"{CursorPrefix}{index}");

    internal static bool TryRead(IQueryCollection query, Paging paging, out AlertQuery read)
    {
        read = default;
        if (!TryReadSince(query["since"].ToString(), out var since)
            || !TryReadNumber(query["limit"].ToString(), 1, MaxPage, out var limit))
            return false;
        int? page = null, offset = null;
        var from = 0;
        if (paging == Paging.Numbered)
        {
            if (!TryReadNumber(query["page"].ToString(), 1, int.MaxValue, out page)
                || !TryReadNumber(query["offset"].ToString(), 0, int.MaxValue, out offset)
                || (page is not null && offset is not null))
                return false;
            if (page is not null || offset is not null)
                limit ??= DefaultPage;
        }
        else
        {
            limit ??= DefaultPage;
            if (query["cursor"].ToString() is { Length: > 0 } cursor)
            {
                if (!cursor.StartsWith(CursorPrefix, StringComparison.Ordinal)
                    || !TryReadNumber(cursor[CursorPrefix.Length..], 0, RecordLog.MaxRecords, out var place) || place is null)
                    return false;
                from = place.Value;
            }
        }

        var skip = offset ?? ((page ?? 1) - 1L) * (limit ?? 0);
        read = new AlertQuery(since, from, (int)Math.Min(skip, int.MaxValue), limit ?? 0);
        return true;
    }

    private static bool TryReadSince(string text, out long since)
    {
        since = long.MinValue;
        if (text.Length == 0)
            return true;
        // an offset's plus sign that was not escaped arrives as a space
        if (!DateTimeOffset.TryParse(text.Replace(' ', '+'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return false;
        since = (time - DateTimeOffset.UnixEpoch).Ticks;
        return true;
    }

    private static bool TryReadNumber(string text, int min, int max, out int? number)
    {
        number = null;
        if (text.Length == 0)
            return true;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value < min || value > max)
            return false;
        number = value;
        return true;
    }
}
