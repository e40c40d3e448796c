using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tocsin.Collect;

/// <summary>What a page showed that decides where to go on.</summary>
/// <param name="Root">The answer.</param>
/// <param name="Link">Its Link header; null when it has none.</param>
/// <param name="Url">The address that gave it.</param>
/// <param name="Page">Its records, also those that cannot be mapped.</param>
internal readonly record struct PageSeen(JsonElement Root, string? Link, Uri Url, RecordPage Page);

/// <summary>Leads through the pages of a source. Pure; one for each poll, since it remembers which marks it has seen, and the page before.</summary>
internal sealed class Pager(PagingDefinition? paging, CursorDefinition? cursor)
{
    /// <summary>Longer is no cursor of an upstream in its right mind, and would not fit an address.</summary>
    public const int MaxMarkCharacters = 8 << 10;

    /// <summary>Some upstreams filter after they cut into pages, and have pages without a record that lead on. Others lead on for ever: more in a row are the end.</summary>
    public const int MaxEmptyPages = 10;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private HashSet<PageItem> _before = [];
    private int _emptyPages;
    private int _repeats;

    /// <summary>What a mark means: one that was made under another style or page size leads astray. Null: no pages.</summary>
    public static string? Style(PagingDefinition? paging) =>
        paging is null ? null : string.Create(CultureInfo.InvariantCulture, $"{paging.Style} {paging.Param} {paging.SizeParam} {paging.Size} {paging.First}");

    /// <summary>The path, or the whole address, of the page behind a mark (null: the first).</summary>
    public string Request(string get, string? asked, string? mark)
    {
        if (mark is not null && paging!.Style is PagingStyle.NextUrl or PagingStyle.Link)
            return mark;
        var path = new StringBuilder(get);
        var replaced = mark is not null && paging!.Param == cursor?.Param;
        if (cursor is not null && asked is not null && !replaced)
            Add(path, cursor.Param, asked);
        if (paging is null)
            return path.ToString();
        if (mark is not null || paging.Style == PagingStyle.Page)
            Add(path, paging.Param, mark ?? Number(paging.First));
        if (paging.SizeParam is { } size)
            Add(path, size, Number(paging.Size));
        return path.ToString();
    }

    /// <summary>The mark of the page behind the one that was asked for with <paramref name="mark"/>; null at the end. A failure when the pages go round in circles.</summary>
    public (string? Next, FetchFailure? Failure) After(string? mark, in PageSeen page)
    {
        if (paging is null)
            return default;
        if (paging.Style is PagingStyle.Page or PagingStyle.Offset)
            return (ByNumber(mark, page), null);
        var next = paging.Style == PagingStyle.Link ? LinkHeader.Next(page.Link) : TextAt(page.Root);
        // What is sent for good as "the cursor from here on", or once more for the same page, is the end.
        _emptyPages = page.Page.Records == 0 ? _emptyPages + 1 : 0;
        if (string.IsNullOrEmpty(next) || next == mark || _emptyPages > MaxEmptyPages)
            return default;
        if (paging.Style != PagingStyle.Cursor)
        {
            if (!Uri.TryCreate(page.Url, next, out var url))
                return (null, new FetchFailure(FetchFailureKind.Malformed, "the next page's address is none"));
            next = url.AbsoluteUri;
            if (next == mark)
                return default;
        }
        if (next.Length > MaxMarkCharacters)
            return (null, new FetchFailure(FetchFailureKind.Malformed, $"what leads to the next page is longer than {MaxMarkCharacters:N0} characters"));
        return _seen.Add(next) ? (next, null) : (null, new FetchFailure(FetchFailureKind.Redirected, "the pages go round in circles: what leads to the next page was used before"));
    }

    /// <summary>The mark of the next page where it is plain before the records are understood: behind a full numbered page. Null: wait for <see cref="After"/>.</summary>
    public string? Guess(string? mark, int records)
    {
        if (paging?.SizeParam is null || records != paging.Size)
            return null;
        return paging.Style switch
        {
            PagingStyle.Page => Number((mark is null ? paging.First : Parse(mark)) + 1),
            PagingStyle.Offset => Number((mark is null ? 0 : Parse(mark)) + records),
            _ => null,
        };
    }

    /// <summary>True when a page that was only guessed to follow is not there: many upstreams with numbered pages answer 404 behind the last.</summary>
    public bool IsBehindTheLast(string? mark, FetchFailure failure) =>
        mark is not null && failure.Kind == FetchFailureKind.NotFound && paging is { Style: PagingStyle.Page or PagingStyle.Offset };

    /// <summary>
    /// The end is an empty page, never a short one: what comes and goes meanwhile makes pages of any length. Also one that holds all of the page
    /// before, or the second in a row that holds most of it: then the upstream knows no pages, even when its answer moves on from call to call, or it gives
    /// its last page for any number. One alone may be a page onto which newer records have pushed those of the page before.
    /// </summary>
    private string? ByNumber(string? mark, in PageSeen page)
    {
        var before = _before;
        _before = page.Page.Items();
        var again = before.Count(_before.Contains);
        _repeats = again * 2 > before.Count ? _repeats + 1 : 0;
        if (_before.Count == 0 || _repeats > 1 || (before.Count > 0 && again == before.Count))
            return null;
        if (paging!.Style == PagingStyle.Page)
            return Number((mark is null ? paging.First : Parse(mark)) + 1);
        // By what the upstream can have counted: what stands twice, or beyond what was asked for, must not make us leave out others.
        var counted = paging.SizeParam is null ? _before.Count : Math.Min(_before.Count, paging.Size);
        return Number((mark is null ? 0 : Parse(mark)) + counted);
    }

    private static long Parse(string mark) => long.Parse(mark, CultureInfo.InvariantCulture);

    private string? TextAt(JsonElement root)
    {
        try
        {
            return FieldMap.TextAt(paging!.From!, root);
        }
        catch (InvalidOperationException)
        {
            return null; // An escaped text that is no Unicode.
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Add(StringBuilder path, string name, string value)
    {
        var hasQuery = false;
        for (var i = 0; i < path.Length && !hasQuery; i++)
            hasQuery = path[i] == '?';
        path.Append(hasQuery ? '&' : '?').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
    }
}
