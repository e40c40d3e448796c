namespace Tocsin.Collect;

/// <summary>How an answer leads to the next one.</summary>
public enum PagingStyle
{
    /// <summary>Pages are numbered from <see cref="PagingDefinition.First"/>.</summary>
    Page,

    /// <summary>A number of records to leave out.</summary>
    Offset,

    /// <summary>A text in the answer is sent with the next request.</summary>
    Cursor,

    /// <summary>The next address stands in the answer.</summary>
    NextUrl,

    /// <summary>The next address stands in the answer's Link header, rel=next (RFC 8288).</summary>
    Link,
}

/// <summary>How a source's answers come in pages. A walk through them is bounded, and ends where it would go round in circles.</summary>
public sealed record PagingDefinition
{
    /// <summary>A source that has more than this many pages to give goes on at its next poll.</summary>
    public const int DefaultMaxPages = 1_000;

    public required PagingStyle Style { get; init; }

    /// <summary>The query parameter of the page's number, offset or cursor; empty for styles that give whole addresses.</summary>
    public string Param { get; init; } = "";

    /// <summary>The query parameter of the page's size; null: the upstream decides.</summary>
    public string? SizeParam { get; init; }

    /// <summary>Records asked for in a page, 1 to 100,000. Default 1,000.</summary>
    public int Size { get; init; } = 1_000;

    /// <summary>The number of the first page, 0 or 1. Default 1.</summary>
    public int First { get; init; } = 1;

    /// <summary>Where the next cursor or address stands in an answer.</summary>
    public FieldPath? From { get; init; }

    /// <summary>Most pages of one poll, 1 to 100,000. Default <see cref="DefaultMaxPages"/>.</summary>
    public int MaxPages { get; init; } = DefaultMaxPages;
}
