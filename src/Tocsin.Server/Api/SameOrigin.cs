namespace Tocsin.Server.Api;

/// <summary>
/// Tells the dashboard's own calls from those that another page makes the same browser send. The cookie is SameSite=Strict; but another port of the same host is the
/// same site, and old browsers know nothing of it.
/// </summary>
internal static class SameOrigin
{
    /// <summary>A header that no form can send, and no script of another origin without being asked about it first.</summary>
    public const string Header = "X-Tocsin-Session";

    /// <summary>Why a change by cookie is refused; null when it is the dashboard's own.</summary>
    public static Problem? RefuseChange(HttpRequest request) => request.Headers[Header] == "1"
        ? RefuseForeign(request)
        : Refused($"A change that is let in by the cookie needs the header {Header}: 1. A program sends Authorization: Bearer TOKEN in place of both.");

    /// <summary>Why a request is refused that a browser says comes from another page; null when none says so.</summary>
    public static Problem? RefuseForeign(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0 && site.ToString() is not ("same-origin" or "none"))
            return Refused("The browser says that another page sent this (Sec-Fetch-Site): only the dashboard's own may.");
        var origin = request.Headers.Origin;
        return origin.Count > 0 && !IsOwn(origin.ToString(), request)
            ? Refused("The browser says that a page of another origin sent this (Origin is not this server's). Behind a reverse proxy: let it pass the header Host on as it came.")
            : null;
    }

    /// <summary>By host and port: a proxy that ends TLS passes on an origin of https to a server that is asked by http.</summary>
    private static bool IsOwn(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && !request.IsHttps))
        && string.Equals(uri.Host, request.Host.Host, StringComparison.OrdinalIgnoreCase)
        && uri.Port == (request.Host.Port ?? (uri.Scheme == Uri.UriSchemeHttps ? 443 : 80));

    private static Problem Refused(string detail) => new(StatusCodes.Status403Forbidden, "csrf", detail);
}
