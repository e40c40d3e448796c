using System.Buffers;
using System.Text.Json;
using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;
using Tocsin.Projections;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>POST /sources/test</c>: a source's calls, made once, and what would come of them. Keeps nothing.</summary>
internal sealed class SourceTestApi(Collector collector, IdentityDirectory directory, Countries countries, EventJournal journal, TimeProvider time)
{
    /// <summary>Each makes up to a hundred calls and holds an answer of up to 256 MiB.</summary>
    private const int MaxAtOnce = 2;

    /// <summary>A person waits for it.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>An event stands some levels deep in the answer, and its record may have 63 of its own.</summary>
    private static readonly JsonSerializerOptions Deep = new(ApiJson.Options) { MaxDepth = 128 };

    private int _running;

    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/sources/test", TestAsync).Needs(Scope.Operate).Named("testSource", "Sources", "Makes a source's calls once, and shows what would come of them; keeps nothing")
            .WithDescription("Give the name of a configured source, or the text of a source file. A text may refer, in base_url, under auth and in a get, to secrets that a configured source shows to the same address, and may go into a private network where a configured source is at home; for all else there is `tocsin source test` on the machine.")
            .Accepts<SourceTestRequest>("application/json").Gives<SourceTestAnswer>(200, "What was asked, what came, and what Tocsin would make of it; also when a call failed")
            .Refuses(404, "No source has this name").Refuses(422, "The file has mistakes, or may not be tried here").Refuses(503, "Others are being tried; Retry-After says when to come again");

    private async Task<IResult> TestAsync(SourceTestRequest body, HttpContext context)
    {
        if ((body.Name is null) == (body.File is null))
            return Invalid([new ProblemError("", "invalid", "expected one of name and file")]);
        var (source, refused) = body.File is { } text ? Read(text) : Configured(body.Name!);
        if (source is null)
            return refused!;
        if (Interlocked.Increment(ref _running) > MaxAtOnce)
        {
            Interlocked.Decrement(ref _running);
            context.Response.Headers.RetryAfter = "5";
            return new Problem(StatusCodes.Status503ServiceUnavailable, "busy", $"{MaxAtOnce} sources are being tried now; come again in a few seconds.");
        }
        try
        {
            return Results.Json(await RunAsync(source, context.RequestAborted), Deep);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private (SourceDefinition? Source, Problem? Refused) Configured(string name) =>
        collector.Sources.FirstOrDefault(source => source.Name == name) is { } source ? (source, null) : (null, Problem.NotFound($"There is no source named {name}."));

    private (SourceDefinition? Source, Problem? Refused) Read(string text)
    {
        var read = SourceFile.Parse(text, "file", Path.GetTempPath(), TrialRules.Secrets(Environment.GetEnvironmentVariable));
        if (read.Source is null)
            return (null, Invalid([.. read.Errors.Select(error => new ProblemError(error.Line == 0 ? "/file" : $"/file line {error.Line}", error.Key.Length == 0 ? "invalid" : error.Key, error.Allowed is null ? error.Message : $"{error.Message} (allowed: {error.Allowed})"))]));
        return TrialRules.Refusal(read.Source, collector.Sources) is { } refusal ? (null, Invalid([new ProblemError("/file", "not_here", refusal)])) : (read.Source, null);
    }

    private async Task<SourceTestAnswer> RunAsync(SourceDefinition source, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        var answer = new SourceTestAnswer { Source = source.Name, Calls = [] };
        try
        {
            await foreach (var call in new SourceTest(source, directory, countries, journal.Store.Info, time).RunAsync(either.Token))
                answer.Calls.Add(new SourceTestCallView(call));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return answer with { Error = $"not all of its calls ended within {Deadline.TotalSeconds:F0} s" };
        }
        return answer;
    }

    private static Problem Invalid(IReadOnlyList<ProblemError> errors) => new(StatusCodes.Status422UnprocessableEntity, "invalid_source", "The source was not tried.", errors);
}

/// <summary>What to try: a configured source by its name, or a source file's text.</summary>
[RequestBody]
internal sealed record SourceTestRequest(string? Name, string? File);

/// <summary>What a trial run found.</summary>
internal sealed record SourceTestAnswer
{
    public required string Source { get; init; }

    /// <summary>True when nothing failed and nothing would be kept aside.</summary>
    public bool Ok => Error is null && Calls.TrueForAll(call => call.Ok);

    /// <summary>Why not all calls were made; null when they were.</summary>
    public string? Error { get; init; }

    /// <summary>The identities first, then each request.</summary>
    public required List<SourceTestCallView> Calls { get; init; }
}

/// <summary>One request of a trial run. Events stand as they would be answered, without a sequence.</summary>
internal sealed record SourceTestCallView(
    string Request, bool Ok, string? Error, double TookMs, int Bytes, int Records, IReadOnlyList<ExchangeView> Exchanges, IReadOnlyList<JsonElement> Events,
    IReadOnlyDictionary<string, int> People, int UnknownPriorities, IReadOnlyList<string> Unmapped, IReadOnlyList<SourceTestReject> Rejects,
    string? NextCursor, string? NextRequest, bool HasMore)
{
    public SourceTestCallView(SourceTestCall call) : this(
        call.Request, call.IsOk, call.Error, Math.Round(call.Took.TotalMilliseconds, 1), call.Bytes, call.Records, [.. call.Exchanges.Select(exchange => new ExchangeView(exchange))],
        [.. call.Events.Select(Json)], call.People, call.UnknownPriorities, call.Unmapped, call.Rejects, call.NextCursor, call.NextRequest, call.HasMore)
    {
    }

    private static JsonElement Json(SecurityEvent e)
    {
        var json = new ArrayBufferWriter<byte>(1024);
        EventJson.Write(0, e, json);
        return JsonElement.Parse(json.WrittenSpan);
    }
}

/// <summary>One call as it may be shown: no secret stands in it.</summary>
internal sealed record ExchangeView(string Request, IReadOnlyList<ExchangeHeader> RequestHeaders, int? Status, IReadOnlyList<ExchangeHeader> ResponseHeaders, long? Bytes, double TookMs)
{
    public ExchangeView(Exchange exchange) : this(
        exchange.Request, exchange.RequestHeaders, exchange.Status, exchange.ResponseHeaders, exchange.Bytes, Math.Round(exchange.Took.TotalMilliseconds, 1))
    {
    }
}
