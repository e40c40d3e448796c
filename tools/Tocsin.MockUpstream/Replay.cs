using System.Text.Json;

namespace Tocsin.MockUpstream;

/// <summary>
/// Recorded answers, read once at the start and served byte for byte: <c>identities.json</c> at <c>/identities/</c>,
/// <c>TYPE.json</c> at <c>/incidents/TYPE/</c>, any other <c>PATH.json</c> at <c>/PATH</c> and <c>/PATH/</c>.
/// <c>PATH@after=X.json</c> is what <c>/PATH?after=X</c> answers, for any one name and value: the further pages of a walk.
/// A <c>.headers</c> file beside either gives its <c>Link</c> and <c>Content-Type</c>. A request is only ever looked up among
/// the files found at the start, so it can reach nothing else.
/// </summary>
internal sealed class Replay
{
    private const int MaxFiles = 1_000;
    private const long MaxBytes = 1L << 30;

    private readonly Dictionary<string, RecordedFeed> _feeds;

    private Replay(Dictionary<string, RecordedFeed> feeds)
    {
        _feeds = feeds;
        Identities = CountIdentities();
    }

    internal int Identities { get; }

    internal IEnumerable<string> Paths => _feeds.Select(f => f.Value.SlashEnded ? f.Key + "/" : f.Key).Order(StringComparer.Ordinal);

    /// <summary>Throws an <see cref="IOException"/> when the folder is not there or too big, or a file in it makes no sense.</summary>
    internal static Replay Read(string directory)
    {
        // links are not followed: a recording is what lies in the folder
        const FileAttributes Skipped = FileAttributes.Hidden | FileAttributes.ReparsePoint;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = Skipped };
        var files = new DirectoryInfo(directory).EnumerateFiles("*.json", options)
            .Select(f => (File: f, Name: Path.GetRelativePath(directory, f.FullName)[..^".json".Length].Replace('\\', '/')))
            .Where(f => IsSafe(f.Name)).Take(MaxFiles + 1).OrderBy(f => f.Name, StringComparer.Ordinal).ToList();
        if (files.Count == 0 || files.Count > MaxFiles || files.Sum(f => f.File.Length) > MaxBytes)
            throw new IOException($"{directory} must hold 1 to {MaxFiles} .json files of {MaxBytes} bytes together at most");

        foreach (var stray in new DirectoryInfo(directory).EnumerateFiles("*.headers", options).Take(MaxFiles))
        {
            if (!files.Exists(f => RecordedAnswer.HeadersOf(f.File.FullName) == stray.FullName))
                throw new IOException($"{stray.FullName} has no .json file beside it that it could be the headers of");
        }

        var feeds = new Dictionary<string, RecordedFeed>(StringComparer.Ordinal);
        // shorter paths first: DIR/denial.json is the one that is meant, when there is a DIR/incidents/denial.json too
        foreach (var (file, name) in files.Where(f => !f.Name.Contains('@')).OrderBy(f => f.Name.Count(c => c == '/')))
            feeds.TryAdd(PathOf(name), new RecordedFeed(RecordedAnswer.Read(file), IsSlashEnded(PathOf(name))));
        foreach (var (file, name) in files.Where(f => f.Name.Contains('@')))
        {
            var (path, pair) = (name[..name.IndexOf('@')], name[(name.IndexOf('@') + 1)..]);
            if (!feeds.TryGetValue(PathOf(path), out var feed))
                throw new IOException($"{file.FullName} is a further page of {path}.json, which is not there");
            feed.AddPage(pair[..pair.IndexOf('=')], pair[(pair.IndexOf('=') + 1)..], RecordedAnswer.Read(file));
        }

        return new Replay(feeds);
    }

    internal Feed? Find(string path) => _feeds.GetValueOrDefault(path);

    internal List<LedgerSection> Sections() =>
    [
        .. IncidentFeed.Types.Select(t => Section(t.Type, "/incidents/" + t.Type)).OfType<LedgerSection>(),
        .. new[] { Section(AlertFeed.Name, "/alerts") }.OfType<LedgerSection>(),
    ];

    private LedgerSection? Section(string name, string path)
    {
        if (!_feeds.TryGetValue(path, out var feed))
            return null;
        var pages = feed.AllBytes.Select(bytes => LedgerSection.Read(name, bytes)).OfType<LedgerSection>().ToList();
        return pages.Count == 0 ? null
            : new LedgerSection(name, pages.Sum(p => p.Count), RecordRange.Join([.. pages.Where(p => p.Count > 0).Select(p => p.Records)]));
    }

    private int CountIdentities()
    {
        try
        {
            if (!_feeds.TryGetValue("/identities", out var feed))
                return 0;
            using var document = JsonDocument.Parse(feed.Bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.EnumerateObject().Count() : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    private static string PathOf(string name) => IncidentFeed.Types.Any(t => t.Type == name) ? "/incidents/" + name : "/" + name;

    /// <summary>Only the incident API redirects to the slash at the end.</summary>
    private static bool IsSlashEnded(string path) => path == "/identities" || path.StartsWith("/incidents/", StringComparison.Ordinal);

    /// <summary>Plain names, and after the last one perhaps one <c>@name=value</c> of them.</summary>
    private static bool IsSafe(string name)
    {
        var at = name.IndexOf('@');
        if (at < 0)
            return name.Split('/').All(IsPlain);
        return IsSafe(name[..at]) && name[(at + 1)..].Split('=') is [var query, var value] && IsPlain(query) && IsPlain(value);
    }

    private static bool IsPlain(string part) =>
        part.Length > 0 && part[0] != '.' && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
