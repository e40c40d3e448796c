using System.Text.RegularExpressions;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect.Reading;

/// <summary>Reads a source from its file's sections. What it returns is to be used only when the file has no mistakes.</summary>
internal static partial class SourceReader
{

    private static readonly string[] Keys =
    [
        "name", "kind", "enabled", "base_url", "allow_private", "auth", "every", "timeout", "retry", "identities", "requests", "records",
        "map", "max_body",
    ];

    /// <summary>Known from the contract, and not yet done: ignoring one would poll in another way than the file says.</summary>
    private static readonly string[] LaterKeys = ["cursor", "paging"];

    private static readonly TimeSpan LongestRetryWait = TimeSpan.FromMinutes(15);

    public static SourceDefinition Read(YamlSection root)
    {
        CheckKeys(root);
        var unset = new SourceDefinition { Name = "", Kind = default, BaseUrl = new Uri("http://unset"), Requests = [], Maps = [], File = root.File.Name };
        var allowPrivate = root.Scalar("allow_private")?.Flag() ?? false;
        var url = root.Require("base_url", "https://host[:port][/path]") ? BaseUrl(root.Scalar("base_url"), allowPrivate) : null;
        return unset with
        {
            Name = Name(root) ?? "",
            Kind = Kind(root),
            Enabled = root.Scalar("enabled")?.Flag() ?? unset.Enabled,
            BaseUrl = url ?? unset.BaseUrl,
            AllowPrivate = allowPrivate || url?.Scheme == Uri.UriSchemeHttp,
            Auth = root.Section("auth") is { } auth ? AuthReader.Read(auth) : null,
            Every = root.Scalar("every")?.Duration(TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            Timeout = root.Scalar("timeout")?.Duration(TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5)) ?? unset.Timeout,
            Retry = root.Section("retry") is { } retry ? Retry(retry) : unset.Retry,
            Identities = root.Section("identities") is { } identities ? Identities(identities) : null,
            Requests = RequestReader.Read(root),
            Records = root.Scalar("records") is { } records && MapReader.Path(records) is { } path ? path : unset.Records,
            Maps = MapReader.Read(root),
            MaxBodyBytes = root.Scalar("max_body")?.Bytes(1L << 10, 256L << 20) ?? unset.MaxBodyBytes,
        };
    }

    private static void CheckKeys(YamlSection root)
    {
        foreach (var later in LaterKeys.Where(root.Has))
            root.File.Fail(root.LineOf(later), later, "is not supported yet");
        foreach (var name in root.Names.Where(name => !Keys.Contains(name) && !LaterKeys.Contains(name)))
            root.File.FailUnknown(root.LineOf(name), name, name, Keys);
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

    private static Uri? BaseUrl(ConfigScalar? scalar, bool allowPrivate)
    {
        if (scalar?.Text() is not { } text)
            return null;
        var problem = !Uri.TryCreate(text, UriKind.Absolute, out var url) || !IsHttp(url) || url.Host.Length == 0 ? "is not an absolute http or https URL"
            : url.UserInfo.Length > 0 ? "must not hold a user or a password: they belong under auth"
            : text.AsSpan().IndexOfAny('?', '#') >= 0 ? "must not hold a query or a fragment: they belong into a request's get"
            : null;
        // What stands before an @ may be a password: then the text is not quoted.
        if (problem is not null)
            scalar.Fail(scalar.Raw.Contains('@', StringComparison.Ordinal) ? problem : $"{scalar.Quoted} {problem}", "https://host[:port][/path]");
        else if (url!.Scheme == Uri.UriSchemeHttps && !allowPrivate && AddressRules.IsPrivateLiteral(url))
            scalar.Fail($"{scalar.Quoted} leads into a private network or to this machine; if that is meant, add the line `allow_private: true`");
        return problem is null ? url : null;
    }

    private static bool IsHttp(Uri url) => url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps;

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
        if (file is not null && !File.Exists(file))
            section.Scalar("file")!.Fail("no such file");
        var identities = new IdentitiesDefinition { Get = section.Scalar("get") is { } get ? RequestReader.Path(get) : null, File = file };
        return shape is null ? identities : identities with { Shape = shape };
    }

    [GeneratedRegex("^[a-z][a-z0-9_-]{0,63}\\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NameForm();
}
