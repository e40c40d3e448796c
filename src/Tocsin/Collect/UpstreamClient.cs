using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Tocsin.Collect;

/// <summary>
/// Makes one source's calls: its auth, its time-out over headers and body, its limit on the inflated body. Every call and every redirect stays
/// within the origin of the source's base URL, so what proves who asks goes nowhere else. Failures come back as values.
/// </summary>
internal sealed class UpstreamClient : IDisposable
{
    private const int MaxRedirects = 5;

    /// <summary>Calls of one source at a time: an upstream asked for everything at once gets slow, and so does its answer.</summary>
    private const int MaxParallelCalls = 8;

    private readonly SourceDefinition _source;
    private readonly TimeProvider _time;
    private readonly ExchangeRecorder? _recorder;
    private readonly HttpClient _http;
    private readonly AnswerBody _body;
    private readonly AccessTokens? _tokens;
    private readonly SemaphoreSlim _parallel = new(MaxParallelCalls);

    /// <summary>Makes no call yet.</summary>
    /// <param name="source">Whose calls.</param>
    /// <param name="time">For the time-out.</param>
    /// <param name="recorder">Is shown every exchange; null when nobody wants to see them.</param>
    public UpstreamClient(SourceDefinition source, TimeProvider time, ExchangeRecorder? recorder = null)
    {
        (_source, _time, _recorder) = (source, time, recorder);
        _body = new AnswerBody(source.MaxBodyBytes, "max_body");
        _http = GuardedHttp.Client(new AddressGuard(source.BaseUrl, source.AllowPrivate, source.File), MaxParallelCalls);
        _http.DefaultRequestHeaders.Authorization = Authorization(source.Auth);
        if (source.Auth is HeaderAuth header)
            _http.DefaultRequestHeaders.TryAddWithoutValidation(header.Name, header.Value);
        if (source.Auth is OAuth2Auth oauth2)
            _tokens = new AccessTokens(source, oauth2, time, recorder);
    }

    /// <summary>The URL of a path below the base URL. A path always follows a slash, so it cannot make another host of the base URL's.</summary>
    public Uri UrlOf(string path) => new($"{_source.BaseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/')}{(path.StartsWith('/') ? "" : "/")}{path}");

    /// <summary>Asks for a path below the base URL. Throws only when <paramref name="cancellation"/> asks for it.</summary>
    public Task<FetchResult> GetAsync(string path, CancellationToken cancellation) => GetAsync(UrlOf(path), cancellation);

    /// <summary>
    /// Asks for a URL, such as one that an answer gave; anywhere but at the base URL's origin nothing is asked, and the failure says so.
    /// Throws only when <paramref name="cancellation"/> asks for it.
    /// </summary>
    public async Task<FetchResult> GetAsync(Uri url, CancellationToken cancellation)
    {
        if (Elsewhere(url) is { } elsewhere)
            return elsewhere;
        await _parallel.WaitAsync(cancellation);
        try
        {
            return await CallAsync(url, cancellation);
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
        _body.Dispose();
        _tokens?.Dispose();
    }

    private async Task<FetchResult> CallAsync(Uri url, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(_source.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return _tokens is null ? await FollowAsync(url, null, either.Token) : await WithTokenAsync(_tokens, url, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return CallFailure.TimedOut(_source.Timeout);
        }
        catch (Exception error) when (CallFailure.Of(error) is { } failure)
        {
            return failure;
        }
    }

    /// <summary>A token that the upstream took before and takes no more is fetched anew, once; a new one that it does not take is a failure.</summary>
    private async Task<FetchResult> WithTokenAsync(AccessTokens tokens, Uri url, CancellationToken cancellation)
    {
        for (var anew = false; ; anew = true)
        {
            var (token, failure) = await tokens.GetAsync(cancellation);
            if (token is null)
                return failure!;
            var result = await FollowAsync(url, token, cancellation);
            if (result.Failure?.Status != (int)HttpStatusCode.Unauthorized)
            {
                token.Taken |= result.Failure is null;
                return result;
            }
            tokens.Drop(token);
            if (anew || !token.Taken)
                return result;
        }
    }

    private async Task<FetchResult> FollowAsync(Uri url, AccessToken? token, CancellationToken cancellation)
    {
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            if (token is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Value);
            using var exchange = _recorder?.Begin(request);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            exchange?.Answered(response);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                var result = await _body.ReadAsync(response, cancellation);
                exchange?.Read(result.Body?.Length);
                return result with { Url = url, Link = Link(response) };
            }
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
                return CallFailure.Of(response, _time);
            if (response.Headers.Location is not { } location)
                return new FetchFailure(FetchFailureKind.Redirected, $"a redirect ({(int)response.StatusCode}) that says nowhere to go");
            if (!Uri.TryCreate(url, location, out var next))
                return new FetchFailure(FetchFailureKind.Redirected, "redirected to what is no address");
            if (Elsewhere(next) is { } elsewhere)
                return elsewhere;
            url = next;
        }
        return new FetchFailure(FetchFailureKind.Redirected, $"more than {MaxRedirects} redirects");
    }

    /// <summary>Why a URL is not asked: it stands at another origin than the base URL, or names a user.</summary>
    private FetchFailure? Elsewhere(Uri url)
    {
        var home = _source.BaseUrl;
        if (!url.IsAbsoluteUri || Host(url) is not { } host)
            return new FetchFailure(FetchFailureKind.Redirected, "redirected to an address without a host, or whose host is no name, which is not followed");
        if (url.Scheme != home.Scheme || url.Port != home.Port || !string.Equals(host, home.IdnHost, StringComparison.OrdinalIgnoreCase))
            return new FetchFailure(FetchFailureKind.Redirected,
                $"redirected to another origin ({Origin(url, host)}), which is not followed: if that is meant, make it the base_url");
        return url.UserInfo.Length == 0 ? null
            : new FetchFailure(FetchFailureKind.Redirected, "redirected to an address with a user in it, which is not followed: who asks is said under auth");
    }

    /// <summary>Without the user that the address may name, with or without a password.</summary>
    private static string Origin(Uri url, string host) => url.IsFile || host.Length == 0 ? $"a {url.Scheme} address" : $"{url.Scheme}://{host}:{url.Port}";

    /// <summary>In ASCII; null where that cannot be: an address may hold letters that no name may.</summary>
    private static string? Host(Uri url)
    {
        try
        {
            return url.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    private static string? Link(HttpResponseMessage response) => response.Headers.TryGetValues("Link", out var values) ? string.Join(", ", values) : null;

    private static AuthenticationHeaderValue? Authorization(SourceAuth? auth) => auth switch
    {
        BasicAuth basic => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{basic.Username}:{basic.Password}"))),
        BearerAuth bearer => new("Bearer", bearer.Token),
        _ => null,
    };
}
