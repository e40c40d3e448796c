using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests.Kit;

/// <summary>
/// Writers that push all the time, one event or twenty, under an Idempotency-Key or external ids, and send again blindly what was not answered; now and then they
/// give up instead. What was sent and what was answered stands in a ledger of their own.
/// </summary>
internal sealed class PushLoad : IAsyncDisposable
{
    private const int BatchSize = 20;
    private const string Lines = "application/x-ndjson";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private readonly HttpClient _http;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _writers;
    private readonly ConcurrentDictionary<string, string> _sent = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _acknowledged = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<string[]> _batches = [];
    private readonly ConcurrentDictionary<int, int> _statuses = new();
    private int _retries;
    private int _abandoned;

    public PushLoad(ServerHome home, int writers = 8)
    {
        _http = ServerProcess.Client(home.Url, ServerHome.Token);
        _writers = [.. Enumerable.Range(0, writers).Select(writer => Task.Run(() => WriteAsync(writer)))];
    }

    public string Type { get; } = $"load.{Guid.NewGuid():N}";

    /// <summary>Events that were answered with a 2xx.</summary>
    public int Acknowledged => _acknowledged.Count;

    /// <summary>What is beside the point of a test, for its figures.</summary>
    public string Beside => $"{_retries} repeats, {_abandoned} given up";

    /// <summary>How the writers are, for a test that waits for them in vain.</summary>
    public string Shown => $"{_writers.Count(writer => !writer.IsCompleted)} of {_writers.Length} writers go on; answers {string.Join(", ", _statuses.Select(pair => $"{pair.Value} x {pair.Key}"))}; {Beside}"
        + $"; {_writers.FirstOrDefault(writer => writer.IsFaulted)?.Exception}";

    /// <summary>Ends the writers where they are: what they wait for is given up.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writers);
    }

    /// <summary>Behind a broker: waits until as much is stored as was acknowledged. The broker is asked how much waits once a second only.</summary>
    public Task DrainedAsync(ServerProcess server) => StoredAsync(server, Acknowledged);

    /// <summary>Waits until so many are stored.</summary>
    public Task StoredAsync(ServerProcess server, int events) => Eventually.BeAsync("as much is stored as was acknowledged", TimeSpan.FromSeconds(60),
        async () => (await server.JsonAsync($"/stats?type={Type}&by=type")).GetProperty("total").GetInt32() >= events, () => $"{Shown}\n{server.Process.Shown()}");

    /// <summary>All that was acknowledged is there once, unaltered, under the id that was told; of what was given up, all of a batch or none.</summary>
    public async Task VerifyAsync(ServerProcess server)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        var last = 0L;
        await foreach (var e in EventWalk.AllAsync(server, $"type={Type}&order_by=sequence&order=asc"))
        {
            var (sequence, data) = (e.GetProperty("sequence").GetInt64(), e.GetProperty("data"));
            var mark = data.GetProperty("mark").GetString()!;
            sequence.ShouldBeGreaterThan(last);
            last = sequence;
            seen.TryAdd(mark, e.GetProperty("id").GetString()!).ShouldBeTrue($"{mark} is stored twice");
            data.GetRawText().ShouldBe(_sent[mark], "as it was sent");
        }
        _acknowledged.Where(pair => !seen.ContainsKey(pair.Key)).Select(pair => pair.Key).ShouldBeEmpty("acknowledged, and lost");
        _acknowledged.Where(pair => seen[pair.Key] != pair.Value).ShouldBeEmpty("stored under another id than was told");
        _batches.Where(batch => batch.Count(seen.ContainsKey) is > 0 and < BatchSize).ShouldBeEmpty("half a batch");
        _statuses.Keys.Where(status => status is not (200 or 201 or 202 or 503)).ShouldBeEmpty("other answers than those of a service that comes and goes");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task WriteAsync(int writer)
    {
        var (posts, events) = (0, 0);
        while (!_stop.IsCancellationRequested)
        {
            var form = posts++ % 4;
            string[] marks = [.. Enumerable.Range(events, form < 2 ? 1 : BatchSize).Select(n => $"{Type}-{writer}-{n}")];
            events += marks.Length;
            await PushAsync(writer, marks, form % 2 == 0 ? Guid.NewGuid().ToString() : null);
        }
    }

    private async Task PushAsync(int writer, string[] marks, string? key)
    {
        foreach (var mark in marks)
            _sent[mark] = $$"""{"mark":"{{mark}}","pad":"{{new string('p', mark[^1] * 5)}}"}""";
        if (marks.Length > 1)
            _batches.Add(marks);
        var body = string.Join('\n', marks.Select(mark =>
            $$"""{"type":"{{Type}}","user_id":"u{{writer}}",{{(key is null ? $"\"external_id\":\"{mark}\"," : "")}}"data":{{_sent[mark]}}}"""));
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/events")
                {
                    Content = new StringContent(body, Encoding.UTF8, marks.Length > 1 ? new MediaTypeHeaderValue(Lines) : new MediaTypeHeaderValue("application/json")),
                };
                if (key is not null)
                    request.Headers.Add("Idempotency-Key", key);
                using var answer = await _http.SendAsync(request, _stop.Token);
                _statuses.AddOrUpdate((int)answer.StatusCode, 1, (_, n) => n + 1);
                if (answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.Accepted)
                {
                    Keep(marks, await answer.Content.ReadAsByteArrayAsync(_stop.Token));
                    return;
                }
            }
            catch (Exception error) when (error is HttpRequestException or SocketException or OperationCanceledException or IOException)
            {
                // Not answered: whether it is stored only a repeat can tell.
                if (Random.Shared.Next(4) == 0)
                {
                    Interlocked.Increment(ref _abandoned);
                    return;
                }
            }
            Interlocked.Increment(ref _retries);
            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    private void Keep(string[] marks, byte[] answer)
    {
        var json = JsonElement.Parse(answer);
        if (marks.Length == 1)
            _acknowledged[marks[0]] = json.GetProperty("id").GetString()!;
        else
            foreach (var result in json.GetProperty("results").EnumerateArray().Where(result => result.GetProperty("status").GetString() != "rejected"))
                _acknowledged[marks[result.GetProperty("index").GetInt32()]] = result.GetProperty("id").GetString()!;
    }
}
