namespace Tocsin.Collect.Reading;

/// <summary>Reads a source's <c>cursor</c>.</summary>
internal static class CursorReader
{
    private static readonly string[] Keys = ["param", "format", "prefix", "start", "overlap", "field"];
    private static readonly string[] Formats = ["iso8601", "unix", "unix_ms", "opaque"];
    private static readonly TimeSpan LongestStart = TimeSpan.FromDays(3650);
    private static readonly TimeSpan LongestOverlap = TimeSpan.FromDays(7);

    public static CursorDefinition? Read(YamlSection section)
    {
        section.Allow(Keys);
        section.Require("param", "the query parameter that holds it, such as since");
        var format = section.Scalar("format")?.OneOf(Formats) is { } word ? (CursorFormat)Array.IndexOf(Formats, word) : CursorFormat.Iso8601;
        var cursor = new CursorDefinition
        {
            Param = section.Scalar("param")?.Text() ?? "",
            Format = format,
            Prefix = section.Scalar("prefix")?.Text() ?? "",
            Field = section.Scalar("field") is { } field ? MapReader.Path(field) : null,
        };
        if (section.Scalar("start") is { } start)
            cursor = cursor.IsTime ? Start(cursor, start) : cursor with { StartText = start.Text() };
        if (!section.Has("overlap"))
            return cursor.IsTime ? cursor : cursor with { Overlap = TimeSpan.Zero };
        if (cursor.IsTime)
            return cursor with { Overlap = section.Scalar("overlap")?.Duration(TimeSpan.Zero, LongestOverlap) ?? cursor.Overlap };
        section.File.Fail(section.LineOf("overlap"), section.KeyOf("overlap"), "belongs to a cursor in time; an opaque one cannot be turned back");
        return cursor;
    }

    /// <summary>What depends on both sections.</summary>
    public static void Check(YamlSection root, CursorDefinition? cursor, PagingDefinition? paging)
    {
        if (cursor is { Format: CursorFormat.Opaque, Field: null } && paging?.Style != PagingStyle.Cursor)
            root.File.Fail(root.LineOf("cursor"), "cursor.field", "is missing: an opaque cursor is read from a record, or follows paging of style cursor", "the path of a field");
    }

    private static CursorDefinition Start(CursorDefinition cursor, ConfigScalar scalar)
    {
        if (scalar.Text() is not { } text)
            return cursor;
        if (text.StartsWith('-') && Quantity.TryParseDuration(text[1..], out var back) && back <= LongestStart)
            return cursor with { StartBack = back };
        if (EventTime.TryParse(text, out var time))
            return cursor with { StartTime = time };
        scalar.Fail($"{scalar.Quoted} is neither a time nor a time before now", $"-24h, to -{Quantity.Format(LongestStart)}, or 2026-01-31T00:00:00Z");
        return cursor;
    }
}
