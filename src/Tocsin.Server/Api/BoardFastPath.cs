using Tocsin.Access;
using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>
/// The hot answer, <c>GET /incidents</c> without a query, before routing and everything else: kept bytes, kept header values, no allocation of
/// our own per request. Whatever is not exactly that goes on to the route of the same name, which answers the same.
/// </summary>
internal sealed class BoardFastPath(RequestDelegate next, IncidentBoard board, Freshness freshness, Callers callers)
{
    /// <summary>The one path that is served here.</summary>
    public const string Path = "/incidents";

    private static readonly BoardQuery Whole = new();
    private readonly Prepared?[] _prepared = new Prepared?[3];

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Path.Value != Path || request.QueryString.HasValue || !HttpMethods.IsGet(request.Method)
            || callers.Of(request)?.May(Scope.Read) != true)
            return next(context);
        var fresh = freshness.Current;
        var answer = board.Get(Whole);
        // This runs on the thread that watches the sockets: compressing, or sending a body too large to keep whole, is for the route.
        var (body, encoding) = BoardEncoding.Choose(request.Headers.AcceptEncoding, answer, onlyMade: true);
        if (body?.Whole is not { } bytes)
            return next(context);
        var prepared = Prepare(answer, encoding, fresh);
        var response = context.Response;
        prepared.WriteTo(response.Headers);
        if (request.Headers.IfNoneMatch.Count > 0 && BoardEncoding.Matches(request.Headers.IfNoneMatch, prepared.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        response.ContentType = "application/json";
        response.ContentLength = bytes.Length;
        var write = response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
        return write.IsCompletedSuccessfully ? Task.CompletedTask : write.AsTask();
    }

    private Prepared Prepare(BoardAnswer answer, string? encoding, Freshness.Snapshot fresh)
    {
        ref var slot = ref _prepared[encoding switch { null => 0, "gzip" => 1, _ => 2 }];
        var prepared = Volatile.Read(ref slot);
        if (prepared?.Fits(answer, fresh) != true)
            Volatile.Write(ref slot, prepared = new Prepared(answer, encoding, fresh));
        return prepared;
    }

    /// <summary>The header values of one representation, made when one of them changed.</summary>
    private sealed class Prepared(BoardAnswer answer, string? encoding, Freshness.Snapshot fresh)
    {
        private readonly long _sequence = answer.Sequence;
        private readonly string _sequenceText = answer.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture);
        private readonly string _floorText = answer.Floor.ToString(System.Globalization.CultureInfo.InvariantCulture);

        public string ETag { get; } = BoardEncoding.ETag(answer.ETag, encoding);

        public bool Fits(BoardAnswer wanted, Freshness.Snapshot wantedFresh) =>
            ReferenceEquals(answer, wanted) && _sequence == wanted.Sequence && fresh.AsOf == wantedFresh.AsOf && fresh.Incomplete == wantedFresh.Incomplete;

        public void WriteTo(IHeaderDictionary headers)
        {
            headers["Tocsin-Sequence"] = _sequenceText;
            if (answer.Floor > 0)
                headers["Tocsin-Floor"] = _floorText;
            fresh.WriteTo(headers);
            headers.ETag = ETag;
            headers.Vary = "Accept-Encoding";
            headers.CacheControl = "no-cache";
            Pages.WriteSafeHeaders(headers);
            if (encoding is not null)
                headers.ContentEncoding = encoding;
        }
    }
}
