namespace Tocsin.Benchmarks.Dashboard;

/// <summary>One thing that is done in the dashboard and waited for.</summary>
/// <param name="Page">The page it belongs to.</param>
/// <param name="Name">What is done.</param>
/// <param name="From">Where it begins.</param>
/// <param name="To">Where it leads, as the address says it; a selector of what is clicked; or <c>menu:</c> and the name of a filter's menu.</param>
/// <param name="Rows">Selectors of what must be drawn, each.</param>
/// <param name="Awaited">The requests, by how they begin, whose answers must be drawn.</param>
internal sealed record PageStep(string Page, string Name, string From, string To, string[] Rows, string[] Awaited)
{
    private const string Everything = "window=all";
    private static readonly string[] Overview = [".tiles .tile", ".figures .figure b", "table.dense tbody tr", "table.bars tbody tr"];
    private static readonly string[] Board = ["table.heat tbody tr"];
    private static readonly string[] Table = ["table.events tbody tr"];
    private static readonly string[] Person = [".figures.person b", "table.events tbody tr", ".chart-room .chart"];
    private static readonly string[] Answers = ["stats?by=priority", "incidents?"];

    /// <summary>Every page, first from another one and then by each of its filters, for this person with many events.</summary>
    public static IEnumerable<PageStep> All(string person, string type, string source, string device, string country)
    {
        yield return new("overview", "opened", "#/settings", "nav a[href='#/overview']", Overview, ["sources", .. Answers]);
        foreach (var window in new[] { "24h", "30d", "all" })
            yield return new("overview", $"window {window}", "#/overview", $"#/overview?window={window}", Overview, Answers);
        yield return new("people", "opened", "#/settings", "nav a[href='#/people']", Board, ["incidents?"]);
        foreach (var query in new[] { Everything, "priority=critical", $"type={type}", $"source={source}", $"{Everything}&priority=high", $"{Everything}&type={type}", "sort=person" })
            yield return new("people", query, "#/people", $"#/people?{query}", Board, query.StartsWith("sort", StringComparison.Ordinal) ? [] : ["incidents?"]);
        foreach (var (page, id) in new[] { ("a person", person), ("unresolved", "unknown") })
        {
            yield return new(page, "opened", "#/people", $"#/people/{id}", Person, ["stats?", "events?"]);
            foreach (var query in new[] { Everything, "priority=critical", $"country={country}", $"type={type}", $"{Everything}&priority=high" })
                yield return new(page, query, $"#/people/{id}", $"#/people/{id}?{query}", Person[..2], ["stats?", "events?"]);
        }
        foreach (var page in new[] { "alerts", "events" })
        {
            var asked = page + "?";
            yield return new(page, "opened", "#/settings", $"nav a[href='#/{page}']", Table, [asked]);
            string[] filters = [Everything, "window=2h", "priority=critical", $"country={country}", $"type={type}", $"user_id={person}", "user_id=unknown", $"source={source}", $"device={device}", "ip=10.0.0.0/8", "q=invoice",
                $"{Everything}&country={country}&priority=critical", $"{Everything}&type={type}", $"{Everything}&user_id={person}", $"{Everything}&ip=10.200.0.17"];
            foreach (var query in filters)
                yield return new(page, query, $"#/{page}", $"#/{page}?{query}", Table, [asked]);
            foreach (var group in new[] { "group=type", $"{Everything}&group=type", $"{Everything}&group=user_id", $"{Everything}&group=ip" })
                yield return new(page, group, $"#/{page}", $"#/{page}?{group}", ["table.bars tbody tr"], [group.EndsWith("=ip", StringComparison.Ordinal) ? asked : "stats?"]);
        }
        foreach (var menu in new[] { "Type", "Person", "Country" })
            yield return new("events", $"menu {menu}, window all", "#/events?window=all", $"menu:{menu}", [".popover .values label"], ["stats?"]);
        yield return new("sources", "opened", "#/settings", "nav a[href='#/sources']", ["table.roomy tbody tr"], ["sources"]);
        yield return new("sources", "a source", "#/sources", "table.roomy tbody th a", ["main .card h2"], []);
        yield return new("settings", "opened", "#/sources", "nav a[href='#/settings']", ["#title-tokens", "#title-service", "#minutes"], ["config", "tokens"]);
    }
}
