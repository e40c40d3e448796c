using System.Text.Json;
using Microsoft.Playwright;

namespace Tocsin.Benchmarks.Dashboard;

/// <summary>Every page opened and every filter applied, several times each: from the action to its rows drawn, and where the time goes.</summary>
internal static class PagesRun
{
    private const double AskedMs = 300;

    /// <summary>Closes an open menu, goes to where the step begins and lets the page come to rest.</summary>
    private const string Begin = """
        async (from) => {
          document.body.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
          if (location.hash !== from) location.hash = from;
          await new Promise((resolve) => setTimeout(resolve, 100));
          await probe.quiet();
        }
        """;

    private const string Act = """
        ({ to, rows, awaited }) => probe.step(() => {
          if (to.startsWith("#")) location.hash = to;
          else if (to.startsWith("menu:")) [...document.querySelectorAll(".menu > button")].find((button) => button.textContent.startsWith(to.slice(5))).click();
          else document.querySelector(to).click();
        }, rows, awaited)
        """;

    public static async Task<int> RunAsync(TextWriter output, Options options)
    {
        var runs = options.Number("runs", 7);
        var only = options.Text("only")?.Split(',');
        await using var browser = await Browser.StartAsync(options);
        var page = await browser.PageAsync();
        await page.GotoAsync(browser.Origin + "/#/overview?window=all");
        await page.WaitForSelectorAsync("table.dense tbody tr");
        var steps = (await StepsAsync(page)).Where(step => only is null || only.Contains(step.Page, StringComparer.Ordinal)).ToArray();
        output.WriteLine($"milliseconds from the action to its rows drawn, {AskedMs:F0} asked; behind it the median of its slowest request: until it was sent, served, read, drawn");
        var figures = new Figures(output, "where the time goes");
        figures.Head();
        var measured = new List<(PageStep Step, List<StepTimes> Times)>();
        foreach (var step in steps)
        {
            var times = new List<StepTimes>();
            for (var run = 0; run < runs; run++)
            {
                await page.EvaluateAsync(Begin, step.From);
                var found = await page.EvaluateAsync<JsonElement>(Act, new { to = step.To, rows = step.Rows, awaited = step.Awaited });
                times.Add(found.Deserialize<StepTimes>(JsonSerializerOptions.Web)!);
            }
            figures.Add($"{step.Page}: {step.Name}", times.Select(t => t.Drawn), Explain(times));
            measured.Add((step, times));
        }
        return Summarise(output, measured);
    }

    private static int Summarise(TextWriter output, List<(PageStep Step, List<StepTimes> Times)> measured)
    {
        output.WriteLine("== by page: opened, and with a filter, a group or a menu");
        var figures = new Figures(output, "its slowest by the median");
        figures.Head();
        foreach (var group in measured.GroupBy(m => (m.Step.Page, Kind: m.Step.Name == "opened" ? "opened" : "filtered")))
        {
            var slowest = group.MaxBy(m => Median(m.Times));
            figures.Add($"{group.Key.Page}: {group.Key.Kind}", group.SelectMany(m => m.Times).Select(t => t.Drawn), $"{slowest.Step.Name} {Median(slowest.Times):F0}");
        }
        var above = measured.Where(m => Median(m.Times) > AskedMs).ToArray();
        output.WriteLine(FormattableString.Invariant($"result steps={measured.Count} worst_median_ms={measured.Max(m => Median(m.Times)):F0} above_{AskedMs:F0}={above.Length}"));
        return 0;
    }

    private static double Median(List<StepTimes> times) => times.Select(t => t.Drawn).Order().ElementAt((times.Count - 1) / 2);

    private static string Explain(List<StepTimes> times)
    {
        var median = times.OrderBy(t => t.Drawn).ElementAt((times.Count - 1) / 2);
        var slowest = median.Asks.MaxBy(ask => ask.Began + ask.Served + ask.Read);
        var beside = FormattableString.Invariant($"{median.Requests} requests, longest task {median.Longest:F0}");
        return slowest is null ? beside : FormattableString.Invariant($"{slowest.Began:F0}+{slowest.Served:F0}+{slowest.Read:F0}+{slowest.Drawn:F0}, {slowest.Bytes / 1000.0:F1} kB of {slowest.Url.Split('?')[0]}; {beside}");
    }

    /// <summary>The person with the most events, and other values that are frequent but not the most frequent.</summary>
    private static async Task<IEnumerable<PageStep>> StepsAsync(IPage page)
    {
        async Task<string> ValueAsync(string by, int rank, string more = "") =>
            (await page.EvaluateAsync<string>("(path) => fetch(path).then((answer) => answer.text()).then((text) => JSON.parse(text).values.filter((row) => row.value !== null).at(Number(path.split('#')[1])).value)", $"stats?by={by}&limit=50&since=-7d{more}#{rank}"));
        return PageStep.All(await ValueAsync("user_id", 0), await ValueAsync("type", 2), await ValueAsync("source", 1), await ValueAsync("device", 2), await ValueAsync("country", 2));
    }

    private sealed record StepTimes(double Drawn, int Requests, double Longest, AskTimes[] Asks);

    private sealed record AskTimes(string Url, double Began, double Served, double Read, double Drawn, double Bytes);
}
