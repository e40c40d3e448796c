using System.Net;
using System.Net.Http.Headers;

namespace Tocsin.Collect;

/// <summary>HTTP clients that connect only where a guard lets them, follow nothing, keep no cookies and know no proxy.</summary>
internal static class GuardedHttp
{
    /// <summary>All headers of an answer together; beyond it the call fails, so a Link that is given out is never a part of one.</summary>
    private const int MaxHeadersKib = 16;

    /// <summary>The caller says when a call has taken too long.</summary>
    public static HttpClient Client(AddressGuard guard, int maxConnections) => new(Handler(guard, maxConnections))
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders =
        {
            Accept = { new MediaTypeWithQualityHeaderValue("application/json") },
            UserAgent = { new ProductInfoHeaderValue("Tocsin", typeof(GuardedHttp).Assembly.GetName().Version!.ToString(3)) },
        },
    };

    internal static SocketsHttpHandler Handler(AddressGuard guard, int maxConnections) => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectCallback = (context, cancellation) => guard.ConnectAsync(context.DnsEndPoint, cancellation),
        MaxConnectionsPerServer = maxConnections,
        MaxResponseHeadersLength = MaxHeadersKib,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseCookies = false,
        // A proxy would connect where no guard looks.
        UseProxy = false,
    };
}
