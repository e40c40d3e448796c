using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks.Dashboard;

/// <summary>The live table of all events while they are pushed in an even pace: frames, rows, nothing lost; and the page's memory from start to end.</summary>
internal sealed class LiveRun
{
    private const int Batch = 50;
    private const int Lanes = 4;
    private const int MaxRows = 200;
    private const double WarmSeconds = 5;
    private readonly TextWriter _output;
    private readonly Options _options;
    private readonly Target _target;
    private readonly int _rate;
    private readonly double _seconds;
    private readonly List<double> _framesASecond = [];
    private readonly List<double> _longTasks = [];
    private readonly List<double> _rows = [];
    private readonly List<string> _memory = [];
    private string _work = "";

    private LiveRun(TextWriter output, Options options)
    {
        (_output, _options) = (output, options);
        _target = Target.From(options);
        _rate = options.Number("rate", 500);
        _seconds = options.Number("minutes", 1) * 60;
    }

    public static Task<int> RunAsync(TextWriter output, Options options) => new LiveRun(output, options).RunAsync();

    private async Task<int> RunAsync()
    {
        await using var browser = await Browser.StartAsync(_options);
        var page = await browser.PageAsync();
        await page.GotoAsync(browser.Origin + "/#/events?live=1&window=all");
        await page.WaitForSelectorAsync(".dot.live");
        var cdp = await page.Context.NewCDPSessionAsync(page);
        await cdp.SendAsync("HeapProfiler.enable");
        await cdp.SendAsync("Performance.enable");
        var total = (long)((_seconds + WarmSeconds) * _rate) / Batch * Batch;
        var pacer = new Pacer((double)_rate / Batch, Lanes);
        var requests = new BatchRequests(_target, new Samples(), Batch, keyed: false);
        var buffers = Enumerable.Range(0, Lanes).Select(_ => new byte[requests.LargestRequest]).ToArray();
        var times = Enumerable.Range(0, Lanes).Select(_ => new TimePatch(0, 0)).ToArray();
        var began = TimeProvider.System.GetTimestamp();
        var pushing = pacer.RunAsync(_target, total / Batch, PushAsync, CancellationToken.None);
        await WatchAsync(page, cdp, pushing);
        await pushing;
        var took = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
        return await ReportAsync(page, pacer, total, took);

        async ValueTask<string?> PushAsync(Wire wire, long n)
        {
            var lane = n % Lanes;
            var length = requests.Write(buffers[lane], n * Batch, times[lane]);
            var reply = await wire.AskAsync(buffers[lane].AsMemory(0, length));
            return reply.Status == 200 ? null : reply.Describe();
        }
    }

    /// <summary>Looks every second; at the beginning, the middle and the end it also weighs the page.</summary>
    private async Task WatchAsync(IPage page, ICDPSession cdp, Task pushing)
    {
        await page.EvaluateAsync("() => probe.count()");
        await Task.Delay(TimeSpan.FromSeconds(WarmSeconds), TimeProvider.System);
        var weighed = 0;
        var began = TimeProvider.System.GetTimestamp();
        await page.EvaluateAsync("() => probe.takeFrames()");
        var before = await WorkAsync(cdp);
        while (!pushing.IsCompleted)
        {
            var elapsed = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
            if (weighed < 3 && elapsed >= weighed * 0.48 * _seconds)
            {
                await WeighAsync(page, cdp, weighed++);
                await page.EvaluateAsync("() => probe.takeFrames()");
            }
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
            await LookAsync(page);
        }
        var after = await WorkAsync(cdp);
        var lasted = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        _work = string.Join(", ", after.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {(pair.Value - before[pair.Key]) * 1000 / lasted:F0}")));
    }

    /// <summary>Seconds the page's thread has worked so far, by what it did.</summary>
    private static async Task<Dictionary<string, double>> WorkAsync(ICDPSession cdp) =>
        (await cdp.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
            .Where(metric => metric.GetProperty("name").GetString() is "TaskDuration" or "ScriptDuration" or "LayoutDuration" or "RecalcStyleDuration")
            .ToDictionary(metric => metric.GetProperty("name").GetString()!, metric => metric.GetProperty("value").GetDouble(), StringComparer.Ordinal);

    private async Task LookAsync(IPage page)
    {
        var found = await page.EvaluateAsync<JsonElement>("""() => ({ ...probe.takeFrames(), rows: document.querySelectorAll("table.events tbody tr").length })""");
        var frames = found.GetProperty("frames").EnumerateArray().Select(at => at.GetDouble()).ToArray();
        if (frames.Length > 1)
            _framesASecond.Add((frames.Length - 1) * 1000 / (frames[^1] - frames[0]));
        _longTasks.AddRange(found.GetProperty("long").EnumerateArray().Select(ms => ms.GetDouble()));
        _rows.Add(found.GetProperty("rows").GetInt32());
    }

    private async Task WeighAsync(IPage page, ICDPSession cdp, int turn)
    {
        await cdp.SendAsync("HeapProfiler.collectGarbage");
        var heap = (await cdp.SendAsync("Runtime.getHeapUsage"))!.Value.GetProperty("usedSize").GetDouble();
        var dom = (await cdp.SendAsync("Memory.getDOMCounters"))!.Value;
        var text = await page.Locator(".live-line").InnerTextAsync();
        _memory.Add(FormattableString.Invariant($"{new[] { "start", "middle", "end" }[turn],-8} {heap / 1e6,7:F2} MB of heap after a collection, {dom.GetProperty("nodes").GetInt32(),7:N0} nodes, {dom.GetProperty("jsEventListeners").GetInt32(),6:N0} listeners, after {Arrived(text),9:N0} events"));
    }

    private async Task<int> ReportAsync(IPage page, Pacer pacer, long total, double took)
    {
        var line = await page.Locator(".live-line").InnerTextAsync();
        var arrived = Arrived(line);
        var (shown, newest) = await NewestAsync(page);
        var missing = newest.Except(shown, StringComparer.Ordinal).Count();
        _output.WriteLine($"pushed {total:N0} events in {took:F1} s ({total / took:N0}/s, {_rate} asked), {pacer.Errors} errors{(pacer.FirstError is null ? "" : ", the first: " + pacer.FirstError)}");
        _output.WriteLine($"the page says: {line.Split('.')[0]}; {total - arrived:N0} lost; of the {newest.Length} newest arrivals {missing} are not among its rows, {shown.Length - shown.Distinct(StringComparer.Ordinal).Count()} doubled");
        var figures = new Figures(_output, "");
        figures.Head();
        var fps = figures.Add("frames a second, each second", _framesASecond, "50 asked", "F1");
        figures.Add("tasks above 50 ms, ms", _longTasks);
        figures.Add("rows", _rows, $"{MaxRows} at most");
        _output.WriteLine($"the page's thread, ms a second: {_work}");
        foreach (var weight in _memory)
            _output.WriteLine("memory " + weight);
        _output.WriteLine(FormattableString.Invariant($"result fps={fps:F1} long_tasks={_longTasks.Count} lost={total - arrived} missing={missing} rows={_rows.Max():F0}"));
        return pacer.Errors == 0 && arrived == total && missing == 0 && _rows.Max() <= MaxRows ? 0 : 1;
    }

    /// <summary>The ids of the rows, and those of as many newest arrivals.</summary>
    private static async Task<(string[] Shown, string[] Newest)> NewestAsync(IPage page)
    {
        var shown = await page.EvaluateAsync<string[]>("""() => [...document.querySelectorAll("table.events tbody a[data-open]")].map((link) => new URLSearchParams(link.hash.split("?")[1]).get("event"))""");
        var newest = await page.EvaluateAsync<string[]>("""(limit) => fetch(`events?order_by=sequence&limit=${limit}`).then((answer) => answer.text()).then((text) => JSON.parse(text).map((event) => event.id))""", MaxRows);
        return (shown, newest);
    }

    /// <summary>"Live: 12,345 new events, 12 passed too fast to show."</summary>
    private static long Arrived(string line)
    {
        var digits = new string([.. line.SkipWhile(c => !char.IsDigit(c)).TakeWhile(c => char.IsDigit(c) || c is ',' or '.' or '\u202f' or '\u00a0').Where(char.IsDigit)]);
        return digits.Length == 0 ? 0 : long.Parse(digits, CultureInfo.InvariantCulture);
    }
}
