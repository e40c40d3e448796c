using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Tocsin.Collect;

/// <summary>
/// Makes one source's calls: its auth, its time-out over headers and body, its limit on the inflated body. Redirects are followed within the
/// same origin only, and the Authorization header goes nowhere else. Failures come back as values.
/// </summary>
internal sealed class UpstreamClient : IDisposable
{
    private const int MaxRedirects = 5;

    /// <summary>Calls of one source at a time: an upstream asked for everything at once gets slow, and so does its answer.</summary>
    private const int MaxParallelCalls = 8;
    private const int FirstBufferBytes = 64 << 10;

    /// <summary>Several times the largest answer recorded (123 kB): beyond it, a source's answers are read one after the other.</summary>
    private const int LargeBytes = 4 << 20;

    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromMinutes(15);

    private readonly SourceDefinition _source;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _parallel = new(MaxParallelCalls);
    private readonly SemaphoreSlim _large = new(1);
    private readonly WeakReference<byte[]?> _largest = new(null);

    public UpstreamClient(SourceDefinition source, TimeProvider time)
    {
        (_source, _time) = (source, time);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectCallback = new AddressGuard(source).ConnectAsync,
            MaxConnectionsPerServer = MaxParallelCalls,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
            UseProxy = false,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { Authorization = Authorization(source.Auth) },
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Tocsin", typeof(UpstreamClient).Assembly.GetName().Version!.ToString(3)));
        _http.DefaultRequestHeaders.Accept.ParseAdd("application/json");
        if (source.Auth is HeaderAuth header)
            _http.DefaultRequestHeaders.TryAddWithoutValidation(header.Name, header.Value);
    }

    /// <summary>Asks for a path below the base URL. Throws only when <paramref name="cancellation"/> asks for it.</summary>
    public async Task<FetchResult> GetAsync(string path, CancellationToken cancellation)
    {
        await _parallel.WaitAsync(cancellation);
        try
        {
            return await CallAsync(path, cancellation);
        }
        finally
        {
            _parallel.Release();
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _parallel.Dispose();
        _large.Dispose();
    }

    private async Task<FetchResult> CallAsync(string path, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(_source.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await FollowAsync(new Uri(_source.BaseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/') + path), either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new FetchFailure(FetchFailureKind.TimedOut, $"no whole answer within {_source.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
        }
        catch (HttpRequestException error) when (error.InnerException is AddressRefusedException refused)
        {
            return new FetchFailure(FetchFailureKind.AddressRefused, refused.Message);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return new FetchFailure(FetchFailureKind.Unreachable, error.InnerException?.Message ?? error.Message);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException and not ObjectDisposedException)
        {
            // Brotli's stream says InvalidOperation where gzip's says InvalidData.
            return new FetchFailure(FetchFailureKind.Malformed, $"the compressed answer cannot be inflated: {error.Message}");
        }
    }

    private async Task<FetchResult> FollowAsync(Uri uri, CancellationToken cancellation)
    {
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.StatusCode == HttpStatusCode.OK)
                return await ReadBodyAsync(response, cancellation);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
                return Refusal(response);
            if (response.Headers.Location is not { } location)
                return new FetchFailure(FetchFailureKind.Redirected, $"a redirect ({(int)response.StatusCode}) that says nowhere to go");
            if (!Uri.TryCreate(uri, location, out var next))
                return new FetchFailure(FetchFailureKind.Redirected, "redirected to what is no address");
            if (!SameOrigin(next, uri))
                return new FetchFailure(FetchFailureKind.Redirected,
                    $"redirected to another origin ({Origin(next)}), which is not followed: if that is meant, make it the base_url");
            uri = next;
        }
        return new FetchFailure(FetchFailureKind.Redirected, $"more than {MaxRedirects} redirects");
    }

    private async Task<FetchResult> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var tooLarge = new FetchFailure(FetchFailureKind.TooLarge, $"the answer is larger than max_body ({_source.MaxBodyBytes:N0} bytes)");
        var declared = response.Content.Headers.ContentLength;
        if (declared > _source.MaxBodyBytes)
            return tooLarge;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[declared < LargeBytes ? (int)declared + 1 : FirstBufferBytes];
        var large = false;
        try
        {
            var length = 0;
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
                // Off the thread that watches the sockets: an endless answer must not keep it busy.
                await Task.Yield();
                if (read == 0)
                    return new FetchResult(buffer.AsSpan(0, length).ToArray(), null);
                length += read;
                if (length > _source.MaxBodyBytes)
                    return tooLarge;
                if (length < buffer.Length)
                    continue;
                if (length < LargeBytes)
                {
                    Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, _source.MaxBodyBytes + 1));
                    continue;
                }
                // One at a time, always in the same buffer: eight bombs at once would else cost a gigabyte.
                await _large.WaitAsync(cancellation);
                large = true;
                var largest = LargestBuffer();
                buffer.CopyTo(largest, 0);
                buffer = largest;
            }
        }
        finally
        {
            if (large)
                _large.Release();
        }
    }

    /// <summary>Room for the largest answer allowed; the last one again, unless the collector took it meanwhile.</summary>
    private byte[] LargestBuffer()
    {
        if (_largest.TryGetTarget(out var kept))
            return kept;
        var buffer = GC.AllocateUninitializedArray<byte>((int)_source.MaxBodyBytes + 1);
        _largest.SetTarget(buffer);
        return buffer;
    }

    private FetchFailure Refusal(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        var kind = status switch
        {
            429 => FetchFailureKind.RateLimited,
            401 or 403 => FetchFailureKind.Unauthorised,
            408 or >= 500 => FetchFailureKind.ServerError,
            _ => FetchFailureKind.UnexpectedStatus,
        };
        var hint = kind == FetchFailureKind.Unauthorised ? ": check the source's auth" : "";
        return new FetchFailure(kind, $"the upstream answered {status} {response.StatusCode}{hint}", RetryAfter(response));
    }

    /// <summary>Seconds or an HTTP date (RFC 9110, 10.2.3), at most <see cref="MaxRetryAfter"/>: an upstream must not be able to switch us off.</summary>
    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Retry-After", out var values) || values.FirstOrDefault()?.Trim() is not { Length: > 0 } text)
            return null;
        if (text.All(char.IsAsciiDigit))
            return text.Length <= 6 ? Cap(TimeSpan.FromSeconds(int.Parse(text, CultureInfo.InvariantCulture))) : MaxRetryAfter;
        return response.Headers.RetryAfter?.Date is { } date ? Cap(date - _time.GetUtcNow()) : null;
    }

    private static TimeSpan Cap(TimeSpan wait) => wait < TimeSpan.Zero ? TimeSpan.Zero : wait > MaxRetryAfter ? MaxRetryAfter : wait;

    private static bool SameOrigin(Uri a, Uri b) => a.Scheme == b.Scheme && a.Port == b.Port && string.Equals(a.IdnHost, b.IdnHost, StringComparison.OrdinalIgnoreCase);

    /// <summary>Without the user that the address may name, with or without a password.</summary>
    private static string Origin(Uri uri) => uri.IsFile || uri.IdnHost.Length == 0 ? $"a {uri.Scheme} address" : $"{uri.Scheme}://{uri.IdnHost}:{uri.Port}";

    private static AuthenticationHeaderValue? Authorization(SourceAuth? auth) => auth switch
    {
        BasicAuth basic => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{basic.Username}:{basic.Password}"))),
        BearerAuth bearer => new("Bearer", bearer.Token),
        _ => null,
    };
}
