namespace Tocsin.Collect.Reading;

/// <summary>Reads a source's <c>auth</c>. Secrets must be references, and are quoted in no message.</summary>
internal static class AuthReader
{
    private static readonly string[] Ways = ["basic", "bearer", "header"];

    public static SourceAuth? Read(YamlSection section)
    {
        if (section.Has("oauth2"))
        {
            section.File.Fail(section.LineOf("oauth2"), section.KeyOf("oauth2"), "is not supported yet", string.Join(", ", Ways));
            return null;
        }
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
