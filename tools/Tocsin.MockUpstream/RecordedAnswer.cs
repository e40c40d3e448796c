using System.Collections.Immutable;

namespace Tocsin.MockUpstream;

/// <summary>A recorded file with the headers that lie beside it. A <c>{base}</c> in a link stands for the address that is asked.</summary>
internal sealed record RecordedAnswer(byte[] Bytes, ImmutableArray<string> Links, string ContentType)
{
    /// <summary>Most bytes of a file of headers.</summary>
    internal const int MaxHeaderBytes = 8 * 1024;

    /// <summary>Throws an <see cref="IOException"/> that names file and line when the headers cannot be used.</summary>
    internal static RecordedAnswer Read(FileInfo file)
    {
        var bytes = File.ReadAllBytes(file.FullName);
        var headers = new FileInfo(HeadersOf(file.FullName));
        var links = ImmutableArray.CreateBuilder<string>();
        var contentType = MockUpstream.Answer.Json;
        if (!headers.Exists || headers.Attributes.HasFlag(FileAttributes.ReparsePoint))
            return new RecordedAnswer(bytes, [], contentType);
        if (headers.Length > MaxHeaderBytes)
            throw new IOException($"{headers.FullName} has more than {MaxHeaderBytes} bytes");
        var lines = File.ReadAllLines(headers.FullName);
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0)
                continue;
            var colon = lines[i].IndexOf(':', StringComparison.Ordinal);
            var (name, value) = colon < 0 ? ("", "") : (lines[i][..colon].Trim(), lines[i][(colon + 1)..].Trim());
            // what goes into a header as it is: printable ASCII
            if (value.Length == 0 || value.Any(c => c is < ' ' or > '~'))
                name = "";
            if (name.Equals("Link", StringComparison.OrdinalIgnoreCase))
                links.Add(value);
            else if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
                contentType = value;
            else
                throw new IOException($"{headers.FullName}, line {i + 1}: must be Link or Content-Type, a colon, and a value in ASCII");
        }

        return new RecordedAnswer(bytes, links.ToImmutable(), contentType);
    }

    internal static string HeadersOf(string file) => file[..^".json".Length] + ".headers";

    internal Answer Answer(string root) => new(default, Bytes, default)
    {
        ContentType = ContentType,
        Links = [.. Links.Select(link => link.Replace("{base}", root, StringComparison.Ordinal))],
    };
}

/// <summary>
/// What is recorded for one path: an answer, and those for a query with one name and value, the first by name where several fit.
/// The faults that need its records (repeat, out_of_order, wrong_type ...) leave it as it is.
/// </summary>
internal sealed class RecordedFeed(RecordedAnswer answer, bool slashEnded) : Feed
{
    private readonly List<(string Name, string Value, RecordedAnswer Answer)> _pages = [];

    internal byte[] Bytes => answer.Bytes;

    /// <summary>All that is recorded for the path, page by page.</summary>
    internal IEnumerable<byte[]> AllBytes => _pages.Select(p => p.Answer.Bytes).Prepend(Bytes);

    internal override bool SlashEnded => slashEnded;

    internal void AddPage(string name, string value, RecordedAnswer page) => _pages.Add((name, value, page));

    internal override Answer Answer(in Ask ask)
    {
        foreach (var page in _pages)
        {
            if (ask.Query[page.Name] == page.Value)
                return page.Answer.Answer(ask.Root);
        }

        return answer.Answer(ask.Root);
    }
}
