namespace Tocsin.Collect;

/// <summary>
/// What a source file that came over the network may do when it is tried out. It runs on our machine, with our secrets in reach, so it may show a secret
/// only to whom a configured source shows it already, and may enter a private network only where a configured source is at home.
/// </summary>
public static class TrialRules
{
    /// <summary>The resolver of its references: the environment, and no file of the machine.</summary>
    public static SecretResolver Secrets(Func<string, string?> environment) => new(environment, readsFiles: false);

    /// <summary>Why it is not tried; null when it may be. No secret stands in the answer.</summary>
    public static string? Refusal(SourceDefinition tried, IReadOnlyList<SourceDefinition> configured)
    {
        var token = (tried.Auth as OAuth2Auth)?.TokenUrl;
        var homes = configured.Where(source => Covers(source, tried.BaseUrl) && (token is null || Covers(source, token))).ToList();
        if (tried.OutsideValues.Except(Shown(configured, tried.BaseUrl), StringComparer.Ordinal).Any() || (token is not null && tried.TokenValues.Except(Shown(configured, token), StringComparer.Ordinal).Any()))
            return "it refers to a secret that no configured source shows to this address: a new one is tried with `tocsin source test` on the machine";
        if (tried.AllowPrivate && !homes.Exists(source => source.AllowPrivate))
            return "it asks for a private network, or for http, at an address that no configured source uses: that is tried with `tocsin source test` on the machine";
        return tried.Auth is OAuth2Auth { AllowPrivate: true } && homes.Count == 0
            ? "its token_url asks for a private network, or for http, and no configured source uses it: that is tried with `tocsin source test` on the machine"
            : null;
    }

    /// <summary>The secrets that configured sources show to an origin: a client secret of OAuth 2.0 goes to the token endpoint alone.</summary>
    private static IEnumerable<string> Shown(IReadOnlyList<SourceDefinition> configured, Uri origin) => configured.SelectMany(source =>
        (IsSameOrigin(source.BaseUrl, origin) ? source.OutsideValues : []).Concat(source.Auth is OAuth2Auth oauth && IsSameOrigin(oauth.TokenUrl, origin) ? source.TokenValues : []));

    /// <summary>True when the source goes to this origin itself.</summary>
    private static bool Covers(SourceDefinition source, Uri url) =>
        IsSameOrigin(source.BaseUrl, url) || (source.Auth is OAuth2Auth oauth && IsSameOrigin(oauth.TokenUrl, url));

    private static bool IsSameOrigin(Uri a, Uri b) => a.Scheme == b.Scheme && a.Port == b.Port && string.Equals(a.IdnHost, b.IdnHost, StringComparison.OrdinalIgnoreCase);
}
