namespace Tocsin.Collect.Reading;

/// <summary>A configuration file while it is read: what its mistakes are reported against, and where they are gathered.</summary>
/// <param name="name">As the operator knows it.</param>
/// <param name="folder">What relative paths in it are relative to.</param>
/// <param name="secrets">Resolves the references in its texts.</param>
public sealed class ConfigFile(string name, string folder, SecretResolver secrets)
{
    private readonly List<ConfigError> errors = [];

    public string Name => name;

    public string Folder => folder;

    public SecretResolver Secrets => secrets;

    /// <summary>What the references read so far stand for, but for those of OAuth 2.0.</summary>
    internal HashSet<string> OutsideValues { get; } = new(StringComparer.Ordinal);

    /// <summary>What the references of <c>auth.oauth2</c> stand for: it is sent to another address than the rest.</summary>
    internal HashSet<string> TokenValues { get; } = new(StringComparer.Ordinal);

    /// <summary>The mistakes found so far, by line, each once even when the same value was read twice.</summary>
    public IReadOnlyList<ConfigError> Errors => [.. errors.Distinct().OrderBy(error => error.Line)];

    public bool HasErrors => errors.Count > 0;

    /// <summary>
    /// Whether the value of a key may come from outside the file. In a text that came over the network only what is sent to the upstream and shown nowhere: a
    /// field's literal, a path or a header's name would bring the secret back to whoever sent the text.
    /// </summary>
    internal bool MayRefer(string key) => secrets.ReadsFiles
        || key == "base_url" || (key.StartsWith("auth.", StringComparison.Ordinal) && key != "auth.header.name")
        || key == "identities.get" || (key.StartsWith("requests", StringComparison.Ordinal) && key.EndsWith(".get", StringComparison.Ordinal));

    /// <summary>Records a mistake.</summary>
    public void Fail(int line, string key, string message, string? allowed = null) =>
        errors.Add(new ConfigError(name, line, key, message) { Allowed = allowed });

    /// <summary>Records that a key is not known, with the one that was probably meant.</summary>
    public void FailUnknown(int line, string key, string written, IReadOnlyCollection<string> allowed)
    {
        var meant = Suggestion.For(written, allowed);
        Fail(line, key, meant is null ? "unknown key" : $"unknown key; did you mean {meant}?", string.Join(", ", allowed));
    }
}
