using System.Net.Http.Headers;

namespace Tocsin.Collect;

/// <summary>
/// Remembers a source's exchanges, redacted, for whoever tries the source out. Thread-safe. Holds the first <see cref="MaxExchanges"/> and
/// counts the others.
/// </summary>
internal sealed class ExchangeRecorder(SourceDefinition source, TimeProvider time)
{
    private const int MaxExchanges = 100;
    private const int MaxHeaders = 50;

    private readonly Redaction _redaction = new(source);
    private readonly Lock _gate = new();
    private readonly List<Exchange> _exchanges = [];
    private int _leftOut;

    /// <summary>In the order in which they ended.</summary>
    public IReadOnlyList<Exchange> Exchanges
    {
        get
        {
            lock (_gate)
                return [.. _exchanges];
        }
    }

    /// <summary>Exchanges beyond those that are kept.</summary>
    public int LeftOut
    {
        get
        {
            lock (_gate)
                return _leftOut;
        }
    }

    /// <summary>A secret that became known only now is shown in no exchange that ends later.</summary>
    public void Hide(string secret) => _redaction.Hide(secret);

    /// <summary>A text as it may be shown.</summary>
    public string Redacted(string text) => _redaction.Text(text);

    /// <summary>An exchange begins; it is kept when the result is disposed, which must be before the request is.</summary>
    public Running Begin(HttpRequestMessage request) => new(this, request, time.GetTimestamp());

    private void Keep(Exchange exchange)
    {
        lock (_gate)
            if (_exchanges.Count < MaxExchanges)
                _exchanges.Add(exchange);
            else
                _leftOut++;
    }

    private List<ExchangeHeader> Shown(params IEnumerable<HttpHeaders> headers) =>
        [.. headers.SelectMany(part => part.NonValidated).Select(header => new ExchangeHeader(header.Key, _redaction.Header(header.Key, header.Value.ToString())))];

    /// <summary>An exchange under way.</summary>
    internal sealed class Running(ExchangeRecorder recorder, HttpRequestMessage request, long start) : IDisposable
    {
        private List<ExchangeHeader> _answered = [];
        private int? _status;
        private long? _bytes;

        public void Answered(HttpResponseMessage response) =>
            (_status, _answered) = ((int)response.StatusCode, recorder.Shown(response.Headers, response.Content.Headers));

        /// <summary>The body is read; null when not to its end.</summary>
        public void Read(long? bytes) => _bytes = bytes;

        /// <summary>Only now: the client adds its own headers while it sends.</summary>
        public void Dispose()
        {
            var asked = request.Content is { } content ? recorder.Shown(request.Headers, content.Headers) : recorder.Shown(request.Headers);
            recorder.Keep(new Exchange
            {
                Request = $"{request.Method} {recorder._redaction.Text(request.RequestUri!.AbsoluteUri)}",
                RequestHeaders = [.. asked.Take(MaxHeaders)],
                Status = _status,
                ResponseHeaders = [.. _answered.Take(MaxHeaders)],
                HeadersLeftOut = Math.Max(0, asked.Count - MaxHeaders) + Math.Max(0, _answered.Count - MaxHeaders),
                Bytes = _bytes,
                Took = recorder.Elapsed(start),
            });
        }
    }

    private TimeSpan Elapsed(long start) => time.GetElapsedTime(start);
}
