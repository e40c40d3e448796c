using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Tocsin.Collect.Reading;

/// <summary>
/// From a file's bytes to its sections. A text that is no YAML has one mistake: what follows it cannot be trusted to be read right.
/// </summary>
public static class YamlText
{
    /// <summary>Configuration is written by hand.</summary>
    private const int MaxFileBytes = 1 << 20;

    /// <summary>The parser's tree is built by recursion: depth must not be the file's to choose.</summary>
    private const int MaxDepth = 32;

    /// <summary>The file's text; null when it cannot be had, with the reason recorded.</summary>
    public static string? Read(string path, ConfigFile file)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists)
                file.Fail(0, "", "no such file");
            else if (info.Length > MaxFileBytes)
                file.Fail(0, "", $"is larger than {MaxFileBytes} bytes");
            else
                return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(System.IO.File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException)
        {
            file.Fail(0, "", "is not UTF-8 text");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file.Fail(0, "", "cannot be read: permission or disk");
        }
        return null;
    }

    /// <summary>The section that is the whole file; null when the text is no YAML mapping. An empty file is an empty section.</summary>
    public static YamlSection? Parse(string yaml, ConfigFile file)
    {
        var text = yaml.TrimStart('\uFEFF');
        var open = new Stack<int>();
        try
        {
            if (!IsPlain(new Parser(new StringReader(text)), file, open))
                return null;
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            switch (stream.Documents.Count == 0 ? new YamlMappingNode() : stream.Documents[0].RootNode)
            {
                case YamlMappingNode root:
                    return new YamlSection(file, "", root);
                case var other:
                    file.Fail((int)other.Start.Line, "", "must be a section of keys and values");
                    return null;
            }
        }
        catch (YamlException e) when (open.Count == 0 || e.Start.Index < text.TrimEnd().Length)
        {
            FailSyntax(text, e, file);
        }
        catch (Exception e) when (e is YamlException or InvalidOperationException)
        {
            // The parser points at the end of the file, or (InvalidOperationException) nowhere.
            file.Fail(open.TryPeek(out var line) ? line : 1, "", "broken YAML: a bracket or brace that opens here is not closed");
        }
        return null;
    }

    /// <summary>Refuses what is YAML and yet no configuration; leaves in <paramref name="open"/> the lines of brackets not closed.</summary>
    private static bool IsPlain(Parser parser, ConfigFile file, Stack<int> open)
    {
        var depth = 0;
        var documents = 0;
        while (parser.MoveNext())
        {
            var current = parser.Current!;
            var line = (int)current.Start.Line;
            depth += current.NestingIncrease;
            if (current is SequenceStart { Style: SequenceStyle.Flow } or MappingStart { Style: MappingStyle.Flow })
                open.Push(line);
            else if (open.Count > 0 && current is (SequenceEnd or MappingEnd))
                open.Pop();
            var problem = depth > MaxDepth ? $"is nested more than {MaxDepth} deep"
                : current is AnchorAlias ? "anchors and aliases are not supported: write the value out"
                : current is DocumentStart && ++documents > 1 ? "only one document in a file: remove the --- and what follows, or make two files"
                : null;
            if (problem is null)
                continue;
            file.Fail(line, "", problem);
            return false;
        }
        return true;
    }

    private static void FailSyntax(string text, YamlException e, ConfigFile file)
    {
        // The parser points at the beginning of the block that holds the tab; the tab itself is what has to be found.
        var tab = Array.FindIndex(text.Split('\n'), line => line.TrimStart(' ').StartsWith('\t'));
        if (tab >= 0 && e.Message.Contains(" tab ", StringComparison.Ordinal))
            file.Fail(tab + 1, "", "a tab indents this line: YAML wants spaces");
        else if (e.Message.StartsWith("Duplicate key ", StringComparison.Ordinal))
            file.Fail((int)e.Start.Line, e.Message["Duplicate key ".Length..], "stands here for the second time");
        else
            file.Fail((int)e.Start.Line, "", $"broken YAML: {e.Message}");
    }
}
