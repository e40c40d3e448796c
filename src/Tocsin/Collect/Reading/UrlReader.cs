using Tocsin.Enrich;

namespace Tocsin.Collect.Reading;

/// <summary>Reads the URLs that a source's calls go to. One that leads into a private network is refused, unless the file says that it is meant.</summary>
internal static class UrlReader
{
    /// <summary>Where requests stand below: without a query.</summary>
    public static Uri? Base(ConfigScalar? scalar, bool allowPrivate) => Read(scalar, allowPrivate, '?', "a query or a fragment: they belong into a request's get");

    /// <summary>Asked as it stands, so it may have a query.</summary>
    public static Uri? Whole(ConfigScalar? scalar, bool allowPrivate) => Read(scalar, allowPrivate, '#', "a fragment");

    private static Uri? Read(ConfigScalar? scalar, bool allowPrivate, char barred, string what)
    {
        if (scalar?.Text() is not { } text)
            return null;
        Uri? url = null;
        // What programs read in different ways is refused before it is read.
        var problem = text.AsSpan().Trim().ContainsAny(' ', '\\') || text.Any(char.IsControl) ? "must not hold a space, a backslash or a line end"
            : !Uri.TryCreate(text, UriKind.Absolute, out url) || !IsHttp(url) || url.Host.Length == 0 ? "is not an absolute http or https URL"
            : url.UserInfo.Length > 0 ? "must not hold a user or a password: they belong under auth"
            : url.Host.Any(c => !char.IsAscii(c)) ? "must have its host in ASCII: xn--... for other letters"
            : text.AsSpan().IndexOfAny(barred, '#') >= 0 ? $"must not hold {what}"
            : null;
        // What stands before an @ may be a password: then the text is not quoted.
        if (problem is not null)
            scalar.Fail(scalar.Raw.Contains('@', StringComparison.Ordinal) ? problem : $"{scalar.Quoted} {problem}", barred == '?' ? "https://host[:port][/path]" : "https://host[:port][/path][?query]");
        else if (url!.Scheme == Uri.UriSchemeHttps && !allowPrivate && AddressRules.IsPrivateLiteral(url))
            scalar.Fail($"{scalar.Quoted} leads into a private network or to this machine; if that is meant, add the line `allow_private: true`");
        return problem is null ? url : null;
    }

    private static bool IsHttp(Uri url) => url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps;
}
