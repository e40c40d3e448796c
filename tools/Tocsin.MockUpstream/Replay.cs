using System.Text.Json;

namespace Tocsin.MockUpstream;

/// <summary>
/// Recorded answers, read once at the start and served byte for byte: <c>identities.json</c> at <c>/identities/</c>,
/// <c>TYPE.json</c> at <c>/incidents/TYPE/</c>, any other <c>PATH.json</c> at <c>/PATH/</c>. A request's path is only ever
/// looked up among the files found at the start, so it can reach nothing else.
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

    /// <summary>Throws an <see cref="IOException"/> when the folder is not there or too big.</summary>
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

        var feeds = new Dictionary<string, RecordedFeed>(StringComparer.Ordinal);
        // shorter paths first: DIR/denial.json is the one that is meant, when there is a DIR/incidents/denial.json too
        foreach (var (file, name) in files.OrderBy(f => f.Name.Count(c => c == '/')))
            feeds.TryAdd(PathOf(name), new RecordedFeed(File.ReadAllBytes(file.FullName), slashEnded: name != AlertFeed.Name));
        return new Replay(feeds);
    }

    internal Feed? Find(string path) => _feeds.GetValueOrDefault(path);

    internal List<LedgerSection> Sections() =>
    [
        .. IncidentFeed.Types.Select(t => Section(t.Type, "/incidents/" + t.Type)).OfType<LedgerSection>(),
        .. new[] { Section(AlertFeed.Name, "/alerts") }.OfType<LedgerSection>(),
    ];

    private LedgerSection? Section(string name, string path) =>
        _feeds.TryGetValue(path, out var feed) ? LedgerSection.Read(name, feed.Bytes) : null;

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

    private static bool IsSafe(string name) => name.Split('/').All(part =>
        part.Length > 0 && part[0] != '.' && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'));
}

/// <summary>One recorded answer. The faults that need its records (repeat, out_of_order, wrong_type) leave it as it is.</summary>
internal sealed class RecordedFeed(byte[] bytes, bool slashEnded) : Feed
{
    internal byte[] Bytes => bytes;

    internal override bool SlashEnded => slashEnded;

    internal override Answer Answer(in Ask ask) => new(default, bytes, default);
}
