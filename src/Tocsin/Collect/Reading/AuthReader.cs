namespace Tocsin.Collect.Reading;

/// <summary>Reads a source's <c>auth</c>. Secrets must be references, and are quoted in no message.</summary>
internal static class AuthReader
{
    private static readonly string[] Ways = ["basic", "bearer", "header", "oauth2"];

    /// <summary>Most characters of a scope or an audience: real ones have tens.</summary>
    private const int MaxParameterCharacters = 2000;

    /// <summary><paramref name="allowPrivate"/>: the file says that addresses that are not public are meant, which then holds for the token endpoint too.</summary>
    public static SourceAuth? Read(YamlSection section, bool allowPrivate)
    {
        section.Allow(Ways);
        var present = Ways.Where(section.Has).ToList();
        if (present.Count != 1)
        {
            section.File.Fail(section.Line, section.Key, "needs exactly one way", string.Join(", ", Ways));
            return null;
        }
        return present[0] switch
        {
            "basic" => section.Section("basic") is { } basic ? Basic(basic) : null,
            "bearer" => Bearer(section),
            "oauth2" => section.Section("oauth2") is { } oauth2 ? OAuth2(oauth2, allowPrivate) : null,
            _ => section.Section("header") is { } header ? Header(header) : null,
        };
    }

    private static BasicAuth? Basic(YamlSection section)
    {
        section.Allow(["username", "password"]);
        var username = section.Require("username") ? section.Scalar("username")?.Text() : null;
        var password = section.Require("password") ? section.Scalar("password")?.Secret() : null;
        if (username?.Contains(':', StringComparison.Ordinal) == true)
            section.Scalar("username")!.Fail("must not hold a colon: HTTP Basic ends the name there");
        return username is null || password is null ? null : new BasicAuth(username, password);
    }

    private static BearerAuth? Bearer(YamlSection section)
    {
        if (!section.IsSection("bearer"))
            return HeaderText(section.Scalar("bearer")) is { } direct ? new BearerAuth(direct) : null;
        var bearer = section.Section("bearer")!;
        bearer.Allow(["token"]);
        return bearer.Require("token") && HeaderText(bearer.Scalar("token")) is { } token ? new BearerAuth(token) : null;
    }

    private static HeaderAuth? Header(YamlSection section)
    {
        section.Allow(["name", "value"]);
        var name = section.Require("name") ? section.Scalar("name")?.Text() : null;
        var value = section.Require("value") ? HeaderText(section.Scalar("value")) : null;
        if (name is not null && !name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)))
            section.Scalar("name")!.Fail("is not a header's name", "letters, digits and -");
        return name is null || value is null ? null : new HeaderAuth(name, value);
    }

    private static OAuth2Auth? OAuth2(YamlSection section, bool allowPrivate)
    {
        section.Allow(["token_url", "client_id", "client_secret", "scope", "audience", "client_auth"]);
        var url = section.Require("token_url", "https://host[:port][/path][?query]") ? UrlReader.Whole(section.Scalar("token_url"), allowPrivate) : null;
        var id = section.Require("client_id") ? Printable(section.Scalar("client_id")?.Text(), section.Scalar("client_id")) : null;
        var secret = section.Require("client_secret") ? Printable(section.Scalar("client_secret")?.Secret(), section.Scalar("client_secret")) : null;
        var scope = Printable(section.Scalar("scope")?.Text(), section.Scalar("scope"));
        var audience = Printable(section.Scalar("audience")?.Text(), section.Scalar("audience"));
        var way = section.Scalar("client_auth")?.OneOf(["basic", "body"]);
        if (url is null || id is null || secret is null)
            return null;
        return new OAuth2Auth(url, id, secret)
        {
            Scope = scope,
            Audience = audience,
            ClientAuth = way == "body" ? ClientAuth.Body : ClientAuth.Basic,
            // http is consent to this host, whatever the base_url is.
            AllowPrivate = allowPrivate || url.Scheme == Uri.UriSchemeHttp,
        };
    }

    /// <summary>RFC 6749, appendix A: ids, secrets and scopes are of visible ASCII and spaces.</summary>
    private static string? Printable(string? text, ConfigScalar? scalar)
    {
        if (text is null || (text.Length <= MaxParameterCharacters && text.All(c => c is >= ' ' and <= '~')))
            return text;
        scalar!.Fail($"holds a line end or another character that OAuth 2.0 does not know, or more than {MaxParameterCharacters} characters");
        return null;
    }

    private static string? HeaderText(ConfigScalar? scalar)
    {
        if (scalar?.Secret() is not { } text)
            return null;
        if (text.All(c => c is >= ' ' and <= '~'))
            return text;
        scalar.Fail("holds a line end or another character that no header can carry");
        return null;
    }
}
