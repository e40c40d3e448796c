using System.Net;
using Tocsin.Access;

namespace Tocsin.Server.Api;

/// <summary>Who calls: by the header Authorization, else by the cookie of a session. A request without a cookie allocates nothing here.</summary>
internal sealed class Callers(AccessControl access, SessionStore sessions, IEnumerable<string> hosts)
{
    private static readonly Caller Stranger = new("anonymous", Scope.None);
    private readonly HashSet<string> _hosts = new(hosts, StringComparer.OrdinalIgnoreCase);

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
        return string.IsNullOrEmpty(header) && !IsOwnHost(request) ? Stranger : access.Authenticate((string?)header);
    }

    /// <summary>True when reading is open to whoever has no token, but not under the name that this request calls.</summary>
    public bool IsForeignHost(HttpRequest request) => access.Authenticate(null)!.May(Scope.Read) && !IsOwnHost(request);

    /// <summary>
    /// Where reading is open, it is to those who call this service by an address, as localhost, or by a name it was given in <c>urls</c>: a page on the internet may
    /// have its own name lead to an address of this machine, and would be read here by the browser of whoever opened it (DNS rebinding).
    /// </summary>
    private bool IsOwnHost(HttpRequest request)
    {
        var host = request.Headers.Host.Count == 1 ? request.Headers.Host[0].AsSpan() : default;
        var end = host.LastIndexOf(':');
        var name = end > host.LastIndexOf(']') ? host[..end] : host;
        return name.IsEmpty || name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.IsValid(name) || _hosts.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name);
    }

    /// <summary>The session that the cookie names, whatever else the request says; null when there is none.</summary>
    public SignedIn? SessionOf(HttpRequest request) => request.Headers.Cookie.Count == 0 ? null : sessions.Find(request.Cookies[Cookie]);
}
