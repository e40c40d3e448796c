using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tocsin.Collect;

/// <summary>
/// How far one request of a source has been read. Kept as state and committed with each page, so that a crash repeats work and loses none.
/// </summary>
internal sealed record Bookmark
{
    /// <summary>Everything up to here is in; RFC 3339, or the upstream's own text when opaque. Null: nothing yet.</summary>
    public string? Position { get; init; }

    /// <summary>A walk through pages that is not at its end.</summary>
    public PageWalk? Walk { get; init; }

    /// <summary>The name of the rows of state; the key is the request's id.</summary>
    public static string StateName(string source) => $"cursor/{source}";

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, BookmarkJson.Default.Bookmark);

    public static Bookmark Read(byte[] stored) => JsonSerializer.Deserialize(stored, BookmarkJson.Default.Bookmark)!;
}

/// <summary>One walk through the pages of an answer. The position it was begun with stays the same to its end.</summary>
internal sealed record PageWalk
{
    /// <summary>The <see cref="Pager.Style"/> under which <see cref="Mark"/> leads on.</summary>
    public string? Paging { get; init; }

    /// <summary>Value of the cursor's parameter on every page; null: left out.</summary>
    public string? Asked { get; init; }

    /// <summary>What leads to the next page: a number, an offset, a cursor, an address. Null: the first page.</summary>
    public string? Mark { get; init; }

    /// <summary>Where the bookmark goes when the walk is at its end: where it was, or the newest that was kept.</summary>
    public string? Reached { get; init; }

    /// <summary>When its last page was taken. The upstream may have forgotten what led on from an old one.</summary>
    public DateTimeOffset At { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Bookmark))]
internal sealed partial class BookmarkJson : JsonSerializerContext;
