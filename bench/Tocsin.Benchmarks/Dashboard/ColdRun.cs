using Microsoft.Playwright;

namespace Tocsin.Benchmarks.Dashboard;

/// <summary>The first page of a browser that has nothing yet: when tiles and counts are drawn, and what came over the wire until then.</summary>
internal static class ColdRun
{
    /// <summary>The tile of a source and a count by priority.</summary>
    private const string Useful = """() => probe.until(() => probe.there([".tiles .tile", ".figures .figure b"]), 0)""";

    private const string FirstPaint = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0""";

    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var runs = options.Number("runs", 10);
        await using var browser = await Browser.StartAsync(options);
        List<double> useful = [], first = [], kilobytes = [], charts = [], requests = [];
        for (var run = 0; run < runs; run++)
        {
            var page = await browser.PageAsync();
            var loads = new List<IRequest>();
            page.RequestFinished += (_, request) => { lock (loads) loads.Add(request); };
            await page.GotoAsync(browser.Origin + "/", new PageGotoOptions { WaitUntil = WaitUntilState.Commit });
            useful.Add(await page.EvaluateAsync<double>(Useful));
            first.Add(await page.EvaluateAsync<double>(FirstPaint));
            await page.WaitForSelectorAsync(".chart canvas");
            await page.EvaluateAsync("() => probe.quiet()");
            IRequest[] all;
            lock (loads)
                all = [.. loads];
            var sizes = new List<(bool IsChart, double Bytes)>();
            foreach (var request in all)
                sizes.Add((request.Url.Contains("uPlot", StringComparison.Ordinal), await SizeAsync(request)));
            kilobytes.Add(sizes.Where(s => !s.IsChart).Sum(s => s.Bytes) / 1000);
            charts.Add(sizes.Where(s => s.IsChart).Sum(s => s.Bytes) / 1000);
            requests.Add(sizes.Count(s => !s.IsChart));
            await page.Context.CloseAsync();
        }
        var figures = new Figures(output, "");
        figures.Head();
        var ms = figures.Add("first useful paint: tiles and counts, ms", useful, "500 asked");
        figures.Add("first contentful paint, ms", first);
        var before = figures.Add("transferred but charts, with all data, kB", kilobytes, "300 asked", "F1");
        figures.Add("transferred for charts, kB", charts, format: "F1");
        figures.Add("requests but charts", requests);
        output.WriteLine(FormattableString.Invariant($"result useful_ms={ms:F0} kb={before:F1}"));
        return 0;
    }

    private static async Task<double> SizeAsync(IRequest request)
    {
        var sizes = await request.SizesAsync();
        return sizes.ResponseHeadersSize + sizes.ResponseBodySize;
    }
}
