using System.Text.RegularExpressions;
using Tocsin.Journal;

namespace Tocsin.Collect.Reading;

/// <summary>Reads a source from its file's sections. What it returns is to be used only when the file has no mistakes.</summary>
internal static partial class SourceReader
{
    private static readonly string[] Keys =
    [
        "name", "kind", "enabled", "base_url", "allow_private", "auth", "every", "timeout", "retry", "cursor", "paging", "identities", "requests",
        "records", "map", "max_body",
    ];

    private static readonly TimeSpan LongestRetryWait = TimeSpan.FromMinutes(15);

    public static SourceDefinition Read(YamlSection root)
    {
        root.Allow(Keys);
        var unset = new SourceDefinition { Name = "", Kind = default, BaseUrl = new Uri("http://unset"), Requests = [], Maps = [], File = root.File.Name };
        var allowPrivate = root.Scalar("allow_private")?.Flag() ?? false;
        var url = root.Require("base_url", "https://host[:port][/path]") ? UrlReader.Base(root.Scalar("base_url"), allowPrivate) : null;
        var cursor = root.Section("cursor") is { } bookmark ? CursorReader.Read(bookmark) : null;
        var paging = root.Section("paging") is { } pages ? PagingReader.Read(pages) : null;
        CursorReader.Check(root, cursor, paging);
        return unset with
        {
            Name = Name(root) ?? "",
            Kind = Kind(root),
            Enabled = root.Scalar("enabled")?.Flag() ?? unset.Enabled,
            BaseUrl = url ?? unset.BaseUrl,
            AllowPrivate = allowPrivate || url?.Scheme == Uri.UriSchemeHttp,
            Auth = root.Section("auth") is { } auth ? AuthReader.Read(auth, allowPrivate) : null,
            Every = root.Scalar("every")?.Duration(TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            Timeout = root.Scalar("timeout")?.Duration(TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5)) ?? unset.Timeout,
            Retry = root.Section("retry") is { } retry ? Retry(retry) : unset.Retry,
            Cursor = cursor,
            Paging = paging,
            Identities = root.Section("identities") is { } identities ? Identities(identities) : null,
            Requests = RequestReader.Read(root),
            Records = root.Scalar("records") is { } records && MapReader.Path(records) is { } path ? path : unset.Records,
            Maps = MapReader.Read(root),
            MaxBodyBytes = root.Scalar("max_body")?.Bytes(1L << 10, 256L << 20) ?? unset.MaxBodyBytes,
        };
    }

    private static string? Name(YamlSection root)
    {
        const string Form = "1 to 64 of a-z, 0-9, _ and -, a letter first";
        if (!root.Require("name", Form) || root.Scalar("name") is not { } scalar || scalar.Text() is not { } name)
            return null;
        if (!NameForm().IsMatch(name))
            scalar.Fail($"{scalar.Quoted} is not a name", Form);
        else if (name == EventFilter.OwnSource)
            scalar.Fail($"\"{EventFilter.OwnSource}\" is the service itself: choose another name");
        return name;
    }

    private static EventKind Kind(YamlSection root) =>
        root.Require("kind", string.Join(", ", EventKinds.Names)) && root.Scalar("kind")?.OneOf(EventKinds.Names) is { } name
            ? EventKinds.Parse(name) ?? default
            : default;

    private static RetryDefinition Retry(YamlSection section)
    {
        section.Allow(["attempts", "min_wait", "max_wait"]);
        var unset = new RetryDefinition();
        var attempts = section.Scalar("attempts")?.Integer(1, 20) ?? unset.Attempts;
        var min = section.Scalar("min_wait")?.Duration(TimeSpan.FromMilliseconds(1), LongestRetryWait) ?? unset.MinWait;
        // Only one of the two may stand in the file: the default of the other then gives way.
        var shortest = section.Has("max_wait") && !section.Has("min_wait") ? TimeSpan.FromMilliseconds(1) : min;
        var max = section.Scalar("max_wait")?.Duration(shortest, LongestRetryWait) ?? (min > unset.MaxWait ? min : unset.MaxWait);
        return new RetryDefinition((int)attempts, min < max ? min : max, max);
    }

    private static IdentitiesDefinition Identities(YamlSection section)
    {
        section.Allow(["get", "file", "shape"]);
        if (section.Has("get") == section.Has("file"))
            section.File.Fail(section.Line, section.Key, "needs exactly one of get and file", "get: /path/, file: ./identities.csv");
        var shape = section.Scalar("shape")?.OneOf(["ip_to_user"]);
        var file = section.Scalar("file")?.FullPath();
        if (file is not null && !section.File.Secrets.ReadsFiles)
            section.Scalar("file")!.Fail(SecretResolver.NoFiles);
        else if (file is not null && !File.Exists(file))
            section.Scalar("file")!.Fail("no such file");
        var identities = new IdentitiesDefinition { Get = section.Scalar("get") is { } get ? RequestReader.Path(get) : null, File = file };
        return shape is null ? identities : identities with { Shape = shape };
    }

    [GeneratedRegex("^[a-z][a-z0-9_-]{0,63}\\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NameForm();
}
