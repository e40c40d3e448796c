using Tocsin.Access;

namespace Tocsin.Server.Api;

/// <summary>Who calls: by the header Authorization, else by the cookie of a session. A request without a cookie allocates nothing here.</summary>
internal sealed class Callers(AccessControl access, SessionStore sessions)
{
    /// <summary>The cookie of a session. Its value is a secret of its own, never the token.</summary>
    public const string Cookie = "tocsin_session";

    /// <summary>The caller of a request; null when its token is not known. Two headers are never the one that is right.</summary>
    public Caller? Of(HttpRequest request) => Of(request, out _);

    /// <summary>
    /// The caller of a request, and the session when it is that which lets them in: a cookie is sent by whatever page makes the browser call, so changes need more.
    /// A cookie that is not known is as none: a browser keeps it longer than it is good, and nobody guesses by that.
    /// </summary>
    public Caller? Of(HttpRequest request, out AccessSession? session)
    {
        session = null;
        var header = request.Headers.Authorization;
        if (header.Count > 1)
            return null;
        if (header.Count == 0 && SessionOf(request) is { } signedIn)
        {
            session = signedIn.Session;
            return signedIn.Caller;
        }
        return access.Authenticate((string?)header);
    }

    /// <summary>The session that the cookie names, whatever else the request says; null when there is none.</summary>
    public SignedIn? SessionOf(HttpRequest request) => request.Headers.Cookie.Count == 0 ? null : sessions.Find(request.Cookies[Cookie]);
}
