using System.Text.Json;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Whatever somebody writes into a record is text on every page: no element, no handler, no dialog, no request, no broken layout.</summary>
public sealed class BrowserStringTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    private const int BatchSize = 500;
    private static readonly string[] Fields = ["type", "user_id", "description", "device"];

    /// <summary>What stands in a table, by the names of its columns; and what does not belong there.</summary>
    private const string ReadTable = """
        ([heads, allowed]) => {
          const table = document.querySelector("main table");
          const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent.replace(/ [▴▾]$/, ""));
          const at = heads.map((head) => names.indexOf(head));
          const strange = [...table.querySelectorAll("tbody *")].filter((one) => !allowed.includes(one.localName)
            || [...one.attributes].some((attribute) => attribute.name.startsWith("on") || (attribute.name === "href" && !attribute.value.startsWith("#/")) || attribute.name === "src"));
          return { rows: [...table.querySelectorAll("tbody tr")].map((row) => at.map((i) => row.cells[i].textContent)), strange: strange.map((one) => one.outerHTML.slice(0, 200)), overflow: document.documentElement.scrollWidth - innerWidth };
        }
        """;

    [Fact]
    public async Task Every_string_is_text_wherever_it_stands()
    {
        var strings = StringsOrSkip();
        using var home = new ServerHome();
        await using var server = await ServerProcess.StartAsync(home);
        var stored = 0;
        foreach (var batch in strings.Chunk(BatchSize))
            stored += await PushAsync(server, batch);
        stored.ShouldBe(strings.Length, "what a field refuses is sent without that field");
        await server.PostAsync("/event", JsonSerializer.Serialize(new { type = "all.of.them", kind = "audit", data = new { strings, keys = strings.Distinct().ToDictionary(text => text, _ => 1) } }));
        var visit = await OpenAsync(server);

        var shown = new List<string[]>();
        await visit.GoAsync("#/events?window=all&order_by=sequence&kind=incident");
        while (true)
        {
            await Expect(visit.Openers("Events").First).ToBeVisibleAsync();
            shown.AddRange(await TableAsync(visit, ["Type", "Description", "Person"], "tr", "td", "a", "time", "span"));
            if (!await visit.Link("Older").IsVisibleAsync())
                break;
            var last = await visit.Openers("Events").Last.EvaluateAsync<string>("link => new URLSearchParams(link.hash.split('?')[1]).get('event')");
            await visit.Link("Older").ClickAsync();
            // What is there stays until the next page has come.
            await Expect(visit.Page.Locator($"a[data-open][href*='{last}']")).ToHaveCountAsync(0);
        }
        var expected = new List<string[]>();
        await foreach (var e in EventWalk.AllAsync(server, "kind=incident&order_by=sequence"))
            expected.Add([e.GetProperty("type").GetString()!, Text(e, "description") ?? "", Text(e, "user_id") ?? "unknown"]);
        shown.Count.ShouldBe(expected.Count);
        for (var i = 0; i < shown.Count; i++)
        {
            shown[i][..2].ShouldBe(expected[i][..2]);
            // A name of blanks is shown in quotes, to be seen and pressed.
            shown[i][2].ShouldBeOneOf(expected[i][2], await visit.Page.EvaluateAsync<string>("text => JSON.stringify(text)", expected[i][2]));
        }

        await visit.GoAsync("#/people?window=all");
        while (await MoreAsync(visit))
            await visit.Button("Show more").ClickAsync();
        var people = await TableAsync(visit, ["Person", "all"], "tr", "th", "td", "a", "span");
        people.Length.ShouldBe(expected.Select(row => row[2]).Where(id => id != "unknown").Distinct(StringComparer.Ordinal).Count());
        Figures.Print($"{strings.Length} strings as type, person, description, device and data, in {shown.Count} rows of events and {people.Length} of people: all of them text");

        var all = (await server.JsonAsync("/events?type=all.of.them"))[0];
        await visit.GoAsync($"#/events?type=all.of.them&event={all.GetProperty("id").GetString()}");
        var json = visit.Detail.GetByLabel("The event as JSON");
        await Expect(json).ToContainTextAsync("all.of.them");
        JsonElement.DeepEquals(JsonElement.Parse(await json.EvaluateAsync<string>("pre => pre.textContent")).GetProperty("data"), all.GetProperty("data")).ShouldBeTrue();
        (await json.EvaluateAsync<int>("pre => pre.children.length")).ShouldBe(0);
        (await visit.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth")).ShouldBeLessThanOrEqualTo(0);

        // In an address they come from somebody else as well.
        foreach (var text in strings.Where(text => text.Contains("<script", StringComparison.OrdinalIgnoreCase) || text.Contains("onerror", StringComparison.OrdinalIgnoreCase)).Take(12))
        {
            await visit.GoAsync($"#/events?q={Uri.EscapeDataString(text)}&type={Uri.EscapeDataString(text)}&{Uri.EscapeDataString("data." + text)}=1&group={Uri.EscapeDataString(text)}");
            (await visit.Page.GetByTitle("Take this filter away").First.EvaluateAsync<string>("chip => chip.textContent")).ShouldContain(text);
            // With what the service says to it; and none asks for anything when the service has gone.
            await Expect(visit.Page.GetByLabel("loading")).ToHaveCountAsync(0);
            (await visit.Page.Locator("main script, main img, main svg, main iframe").CountAsync()).ShouldBe(0, text);
        }
    }

    private static async Task<bool> MoreAsync(Visit visit)
    {
        await Expect(visit.Rows("Incidents by person and priority").First).ToBeVisibleAsync();
        return await visit.Button("Show more").IsVisibleAsync();
    }

    private static async Task<string[][]> TableAsync(Visit visit, string[] heads, params string[] allowed)
    {
        var table = (await visit.Page.EvaluateAsync(ReadTable, new[] { heads, allowed }))!.Value;
        table.GetProperty("strange").EnumerateArray().Select(one => one.GetString()).ShouldBeEmpty();
        table.GetProperty("overflow").GetInt32().ShouldBeLessThanOrEqualTo(0, "the page is no wider than its window");
        return [.. table.GetProperty("rows").EnumerateArray().Select(row => row.EnumerateArray().Select(cell => cell.GetString()!).ToArray())];
    }

    /// <summary>Pushes one incident for each string; gives how many are stored.</summary>
    private static async Task<int> PushAsync(ServerProcess server, string[] strings)
    {
        var events = strings.Select(text => Fields.ToDictionary(field => field, _ => (object)text)).ToArray();
        foreach (var e in events)
            (e["kind"], e["priority"], e["data"]) = ("incident", "high", new Dictionary<string, object> { ["text"] = e["description"], [(string)e["description"]] = 1 });
        var stored = 0;
        for (var attempt = 0; attempt < 3 && events.Length > 0; attempt++)
        {
            var answer = (await server.PostAsync("/events", JsonSerializer.Serialize(events))).Body;
            stored += answer.TryGetProperty("created", out var created) ? created.GetInt32() : 0;
            if (!answer.TryGetProperty("results", out var results))
                break;
            var again = new List<Dictionary<string, object>>();
            foreach (var reject in results.EnumerateArray().Where(result => result.GetProperty("status").GetString() == "rejected"))
            {
                var e = events[reject.GetProperty("index").GetInt32()];
                foreach (var field in reject.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("pointer").GetString()!.Split('/')[^1]))
                    if (field == "type")
                        e[field] = "refused.as.a.type";
                    else
                        e.Remove(field);
                again.Add(e);
            }
            events = [.. again];
        }
        return stored;
    }

    private static string[] StringsOrSkip()
    {
        var folder = Path.Combine(Shared.CorporaOrSkip(), "strings");
        var naughty = JsonElement.Parse(File.ReadAllText(Path.Combine(folder, "blns.json"))).EnumerateArray().Select(text => text.GetString()!);
        return [.. naughty.Concat(Directory.EnumerateFiles(Path.Combine(folder, "patt")).Order(StringComparer.Ordinal).SelectMany(File.ReadAllLines)).Distinct(StringComparer.Ordinal)];
    }

    private static string? Text(JsonElement e, string name) => e.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
