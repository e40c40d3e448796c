using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Tocsin.Collect;

/// <summary>An access token, while it is kept. Not a record: nothing prints it.</summary>
internal sealed class AccessToken(string value, long fetched, TimeSpan usable)
{
    private volatile bool _taken;

    /// <summary>Never printed.</summary>
    public string Value => value;

    /// <summary>True when the upstream took it at least once.</summary>
    public bool Taken { get => _taken; set => _taken = value; }

    public bool IsUsable(TimeProvider time) => time.GetElapsedTime(fetched) < usable;
}

/// <summary>
/// Fetches one source's access tokens by client credentials and keeps the newest in memory until shortly before it ends. One fetch at a time:
/// whoever wants a token meanwhile gets the same token, or the same failure. Thread-safe.
/// </summary>
internal sealed class AccessTokens : IDisposable
{
    private const int MaxAnswerBytes = 64 << 10;

    private readonly SourceDefinition _source;
    private readonly OAuth2Auth _auth;
    private readonly TimeProvider _time;
    private readonly ExchangeRecorder? _recorder;
    private readonly TokenAnswer _answer;
    private readonly HttpClient _http;
    private readonly AnswerBody _body = new(MaxAnswerBytes, "its limit");
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private AccessToken? _token;
    private Task<(AccessToken? Token, FetchFailure? Failure)>? _fetch;

    public AccessTokens(SourceDefinition source, OAuth2Auth auth, TimeProvider time, ExchangeRecorder? recorder)
    {
        (_source, _auth, _time, _recorder) = (source, auth, time, recorder);
        _answer = new TokenAnswer(new Redaction(source));
        _http = GuardedHttp.Client(new AddressGuard(auth.TokenUrl, auth.AllowPrivate, source.File), maxConnections: 1);
    }

    /// <summary>A token, or why there is none. Throws only when <paramref name="cancellation"/> asks for it.</summary>
    public Task<(AccessToken? Token, FetchFailure? Failure)> GetAsync(CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_token?.IsUsable(_time) == true)
                return Task.FromResult<(AccessToken?, FetchFailure?)>((_token, null));
            // Not under any caller's time-out: the others still want it.
            _fetch ??= Task.Run(FetchAsync, CancellationToken.None);
            return _fetch.WaitAsync(cancellation);
        }
    }

    /// <summary>The upstream does not take this token: the next one that is asked for is fetched, unless that was done already.</summary>
    public void Drop(AccessToken token)
    {
        lock (_gate)
            if (ReferenceEquals(_token, token))
                _token = null;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _http.Dispose();
        _body.Dispose();
    }

    private async Task<(AccessToken? Token, FetchFailure? Failure)> FetchAsync()
    {
        AccessToken? token = null;
        try
        {
            (token, var failure) = await TryAskAsync();
            return (token, failure);
        }
        finally
        {
            lock (_gate)
                (_fetch, _token) = (null, token);
        }
    }

    private async Task<(AccessToken? Token, FetchFailure? Failure)> TryAskAsync()
    {
        using var timeout = new CancellationTokenSource(_source.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, timeout.Token);
        try
        {
            return await AskAsync(either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return (null, About(CallFailure.TimedOut(_source.Timeout)));
        }
        catch (Exception error) when (CallFailure.Of(error) is { } failure)
        {
            return (null, About(failure));
        }
    }

    private async Task<(AccessToken? Token, FetchFailure? Failure)> AskAsync(CancellationToken cancellation)
    {
        using var request = Request();
        using var exchange = _recorder?.Begin(request);
        var asked = _time.GetTimestamp();
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        exchange?.Answered(response);
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400)
            return (null, About(new FetchFailure(FetchFailureKind.Redirected, $"it redirects ({status}), which is not followed with a secret: make the place that it means the token_url")));
        var (body, failure) = await _body.ReadAsync(response, cancellation);
        exchange?.Read(body?.Length);
        if (status != (int)HttpStatusCode.OK)
            return (null, About(_answer.Refusal(CallFailure.Of(response, _time), body)));
        if (body is null)
            return (null, About(failure!));
        var (token, usable, wrong) = _answer.Read(body);
        if (token is null)
            return (null, About(wrong!));
        _recorder?.Hide(token);
        return (new AccessToken(token, asked, usable), null);
    }

    private HttpRequestMessage Request()
    {
        var form = new List<KeyValuePair<string, string>> { new("grant_type", "client_credentials") };
        if (_auth.Scope is { } scope)
            form.Add(new("scope", scope));
        if (_auth.Audience is { } audience)
            form.Add(new("audience", audience));
        if (_auth.ClientAuth == ClientAuth.Body)
            form.AddRange([new("client_id", _auth.ClientId), new("client_secret", _auth.ClientSecret)]);
        var request = new HttpRequestMessage(HttpMethod.Post, _auth.TokenUrl) { Content = new FormUrlEncodedContent(form) };
        if (_auth.ClientAuth == ClientAuth.Basic)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic",
                Convert.ToBase64String(Encoding.ASCII.GetBytes($"{WebUtility.UrlEncode(_auth.ClientId)}:{WebUtility.UrlEncode(_auth.ClientSecret)}")));
        return request;
    }

    /// <summary>
    /// Never a status: a 401 of the token endpoint says nothing about a token that the upstream took. Nor "not found": that is the end of numbered pages.
    /// </summary>
    private static FetchFailure About(FetchFailure failure) => failure with
    {
        Kind = failure.Kind == FetchFailureKind.NotFound ? FetchFailureKind.UnexpectedStatus : failure.Kind,
        Message = $"no access token: the token endpoint: {failure.Message}",
        Status = null,
    };
}
