using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Tocsin.Collect;

/// <summary>
/// Takes secrets out of what is shown of a source's exchanges: every value that came into its file from outside, in whatever form it stands,
/// and what is a secret by its name. Rather too much than too little. Thread-safe.
/// </summary>
internal sealed partial class Redaction
{
    public const string Mask = "***";

    private const int MaxCharacters = 1024;
    private const int MaxQueryValueCharacters = 200;

    /// <summary>Shorter values would be found inside of other words: they are masked only where they stand alone.</summary>
    private const int MinFragmentCharacters = 4;

    private static readonly string[] SecretHeaders =
        ["Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate", "Authentication-Info", "Proxy-Authentication-Info"];

    private static readonly string[] SecretNameParts = ["token", "key", "secret", "signature", "password", "passwd", "pwd", "credential", "cookie", "session"];
    private static readonly string[] SecretNames = ["sig", "code", "pass", "auth", "jwt", "assertion"];

    private readonly string? _authHeader;
    private ImmutableArray<string> _forms = [];

    public Redaction(SourceDefinition source)
    {
        _authHeader = (source.Auth as HeaderAuth)?.Name;
        foreach (var value in source.OutsideValues.Concat(source.TokenValues).Concat(Secrets(source.Auth)))
            Hide(value);
    }

    public void Hide(string secret)
    {
        // Of an address that came from outside the host may be seen; what follows it may be a secret.
        if (Uri.TryCreate(secret, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0)
            secret = url.PathAndQuery.Trim('/');
        if (secret.Length == 0)
            return;
        string[] forms =
        [
            secret, Uri.EscapeDataString(secret), WebUtility.UrlEncode(secret), new Uri("http://x/?" + secret).Query.TrimStart('?'),
            Uri.UnescapeDataString(secret), Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)),
        ];
        // The longest first: a short one may be part of it, and would leave the rest.
        ImmutableInterlocked.Update(ref _forms, known => [.. known.Union(forms.Where(form => form.Length > 0)).OrderByDescending(form => form.Length)]);
    }

    /// <summary>A header's value, at most 1024 characters.</summary>
    public string Header(string name, string value)
    {
        if (!SecretHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) && !string.Equals(name, _authHeader, StringComparison.OrdinalIgnoreCase) && !IsSecret(name))
            return Text(value);
        // Which way was tried may be seen.
        var scheme = value.Split(' ', 2)[0];
        return scheme.ToUpperInvariant() is "BASIC" or "BEARER" ? $"{scheme} {Mask}" : Mask;
    }

    /// <summary>A URL or another text in which a URL may stand, at most 1024 characters.</summary>
    public string Text(string text)
    {
        var shown = UserInfo().Replace(text, Mask + "@");
        shown = NamedValue().Replace(shown, match => $"{match.Groups["name"].Value}={Value(match.Groups["name"].Value, match.Groups["value"].Value)}");
        foreach (var form in _forms)
            shown = Replace(shown, form);
        // In yet another form, as with letters written as %xx.
        var plain = Uri.UnescapeDataString(shown);
        if (_forms.Any(form => Replace(plain, form) != plain))
            return Mask;
        if (shown.Length > MaxCharacters)
            shown = shown[..(MaxCharacters - 1)] + "…";
        return string.Create(shown.Length, shown, (characters, from) =>
        {
            for (var i = 0; i < from.Length; i++)
                characters[i] = char.IsControl(from[i]) ? '?' : from[i];
        });
    }

    private string Value(string name, string value)
    {
        // Some split a query at semicolons too.
        if (IsSecret(Uri.UnescapeDataString(name)) || (value.Contains(';', StringComparison.Ordinal) && Array.Exists(value.Split(';', '='), IsSecret)))
            return value.Length == 0 ? value : Mask;
        if (value.Length <= MaxQueryValueCharacters)
            return value;
        foreach (var form in _forms)
            value = Replace(value, form);
        return value.Length <= MaxQueryValueCharacters ? value : value[..MaxQueryValueCharacters] + "…";
    }

    private static string Replace(string text, string form) =>
        form.Length >= MinFragmentCharacters
            ? text.Replace(form, Mask, StringComparison.OrdinalIgnoreCase)
            : Regex.Replace(text, $"(?<![A-Za-z0-9]){Regex.Escape(form)}(?![A-Za-z0-9])", Mask, RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1));

    private static bool IsSecret(string name) =>
        SecretNames.Contains(name, StringComparer.OrdinalIgnoreCase) || Array.Exists(SecretNameParts, part => name.Contains(part, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<string> Secrets(SourceAuth? auth) => auth switch
    {
        BasicAuth basic => [basic.Password],
        BearerAuth bearer => [bearer.Token],
        HeaderAuth header => [header.Value],
        OAuth2Auth oauth2 => [oauth2.ClientSecret],
        _ => [],
    };

    [GeneratedRegex("(?<=//)[^/?#\\s]*@", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UserInfo();

    [GeneratedRegex("(?<![^?&#;,\\s])(?<name>[^=?&;#,\\s<>\"]{1,200})=(?<value>\"[^\"]*\"|[^&#\\s<>\"]*)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamedValue();
}
