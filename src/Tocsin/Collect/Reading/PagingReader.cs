namespace Tocsin.Collect.Reading;

/// <summary>Reads a source's <c>paging</c>.</summary>
internal static class PagingReader
{
    private static readonly string[] Styles = ["page", "offset", "cursor", "next_url", "link"];

    public static PagingDefinition? Read(YamlSection section)
    {
        if (!section.Require("style", string.Join(", ", Styles)) || section.Scalar("style")?.OneOf(Styles) is not { } word)
            return null;
        var style = (PagingStyle)Array.IndexOf(Styles, word);
        section.Allow(Keys(style));
        var unset = new PagingDefinition { Style = style };
        if (style is PagingStyle.Cursor)
            section.Require("param", "the query parameter that holds it");
        if (style is PagingStyle.Cursor or PagingStyle.NextUrl)
            section.Require("from", "the path of the field that leads on");
        if (section.Has("size") && !section.Has("size_param"))
            section.File.Fail(section.LineOf("size"), section.KeyOf("size"), "needs size_param: the query parameter that asks for it");
        return unset with
        {
            Param = section.Scalar("param")?.Text() ?? (style is PagingStyle.Page or PagingStyle.Offset ? word : ""),
            SizeParam = section.Scalar("size_param")?.Text(),
            Size = (int)(section.Scalar("size")?.Integer(1, 100_000) ?? unset.Size),
            First = (int)(section.Scalar("first")?.Integer(0, 1) ?? unset.First),
            From = section.Scalar("from") is { } from ? MapReader.Path(from) : null,
            MaxPages = (int)(section.Scalar("max_pages")?.Integer(1, 100_000) ?? unset.MaxPages),
        };
    }

    private static string[] Keys(PagingStyle style)
    {
        string[] all = ["style", "size_param", "size", "max_pages"];
        return style switch
        {
            PagingStyle.Page => [.. all, "param", "first"],
            PagingStyle.Offset => [.. all, "param"],
            PagingStyle.Cursor => [.. all, "param", "from"],
            PagingStyle.NextUrl => [.. all, "from"],
            _ => all,
        };
    }
}
