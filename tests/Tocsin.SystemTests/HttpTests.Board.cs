using System.Net;

namespace Tocsin.SystemTests;

/// <summary>The board over HTTP: filters, groups and walks beside an independent grouping.</summary>
public sealed partial class HttpTests
{
    [Fact]
    public async Task Every_filter_agrees_with_the_independent_grouping()
    {
        var all = house.Expected;
        var people = all.Select(incident => incident.Employee).Distinct().ToArray();
        var middle = all.Select(incident => incident.Time).Order().ElementAt(all.Count / 2);
        var late = all.Select(incident => incident.Time).Order().ElementAt(all.Count * 3 / 4);
        var rfc = DateTimeOffset.UnixEpoch.AddTicks((long)(middle * TimeSpan.TicksPerSecond)).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'");
        var offset = Uri.EscapeDataString(DateTimeOffset.UnixEpoch.AddTicks((long)(middle * TimeSpan.TicksPerSecond)).ToOffset(TimeSpan.FromHours(2)).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffffzzz"));
        (string Query, Func<Incident, bool> Keeps)[] filters =
        [
            ("", _ => true),
            ("?kind=incident", _ => true),
            ("?kind=alert", _ => false),
            ("?kind=alert&kind=incident", _ => true),
            ($"?user_id={people[3]}", incident => incident.Employee == people[3]),
            ($"?employee_id={people[3]}&user={people[5]}", incident => incident.Employee == people[3] || incident.Employee == people[5]),
            ("?user_id=unknown", incident => incident.Employee == Board.Unknown),
            ("?user_id=nobody", _ => false),
            ("?priority=critical", incident => incident.Priority == "critical"),
            ("?severity=low&criticality=high", incident => incident.Priority is "low" or "high"),
            ("?type=probing", incident => incident.Type == "probing"),
            ("?event_type=probing&type=denial", incident => incident.Type is "probing" or "denial"),
            ("?type=probing.*", _ => false),
            ("?source=elevate", _ => true),
            ("?source=another", _ => false),
            ($"?since={middle}", incident => incident.Time >= middle),
            ($"?until={middle}", incident => incident.Time < middle),
            ($"?since={rfc}", incident => incident.Time >= middle),
            ($"?since={offset}", incident => incident.Time >= middle),
            ($"?since={middle}&until={late}&priority=medium&type=other", incident => incident.Time >= middle && incident.Time < late && incident.Priority == "medium" && incident.Type == "other"),
            ("?since=-8d", _ => true),
            ("?until=-8d", _ => false),
            ($"?since={(long)(middle * 1000)}", incident => incident.Time >= (long)(middle * 1000) / 1000m),
        ];
        foreach (var (query, keeps) in filters)
        {
            var board = await house.Server.BoardAsync(query);
            board.Status.ShouldBe(HttpStatusCode.OK, query);
            Board.Difference([.. all.Where(keeps)], board.Incidents()).ShouldBeNull(query);
        }
    }

    [Fact]
    public async Task Per_priority_shows_the_newest_and_counts_stay_true()
    {
        var board = await house.Server.BoardAsync("?per_priority=2");
        var expected = house.Expected.GroupBy(incident => (incident.Employee, incident.Priority)).SelectMany(list => list.OrderBy(incident => incident.Time).TakeLast(2));
        Board.Difference(Board.Ordered(expected), board.Incidents(cut: true)).ShouldBeNull();
        var counts = house.Expected.GroupBy(incident => (incident.Employee, incident.Priority)).ToDictionary(list => list.Key, list => list.Count());
        foreach (var employee in board.Json.EnumerateObject())
            foreach (var priority in employee.Value.EnumerateObject())
                priority.Value.GetProperty("count").GetInt32().ShouldBe(counts.GetValueOrDefault((employee.Name, priority.Name)));
        (await house.Server.BoardAsync("?per_priority=0")).Incidents(cut: true).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("", 17)]
    [InlineData("priority=high&type=denial", 10)]
    [InlineData("per_priority=1", 399)]
    [InlineData("", 10_000)]
    public async Task A_walk_shows_everyone_once(string filter, int limit)
    {
        var whole = await house.Server.BoardAsync("?" + filter);
        var walked = new List<Incident>();
        var people = new List<string>();
        var next = $"/incidents?limit={limit}{(filter.Length > 0 ? "&" + filter : "")}";
        while (next is not null)
        {
            using var answer = await house.Server.Http.GetAsync(next);
            var page = await BoardReply.ReadAsync(answer);
            page.Status.ShouldBe(HttpStatusCode.OK);
            var names = page.Json.EnumerateObject().Select(employee => employee.Name).ToArray();
            names.Length.ShouldBeInRange(1, limit);
            people.AddRange(names);
            walked.AddRange(page.Incidents(cut: true));
            next = page.Link is null ? null : LinkForm().Match(page.Link) is { Success: true } link ? link.Groups["url"].Value : throw new ShouldAssertException(page.Link);
        }
        people.ShouldBe([.. whole.Json.EnumerateObject().Select(employee => employee.Name)]);
        walked.ShouldBe(whole.Incidents(cut: true));
    }

    [Fact]
    public async Task One_employee_answers_with_the_four_groups_of_the_board()
    {
        var board = (await house.Server.BoardAsync()).Json;
        foreach (var id in new[] { board.EnumerateObject().First().Name, Board.Unknown })
        {
            var one = await house.Server.JsonAsync($"/incidents/{id}");
            one.GetRawText().ShouldBe(board.GetProperty(id).GetRawText());
        }
    }
}
