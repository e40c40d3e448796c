using Tocsin.Projections;
using static Tocsin.Tests.Projections.BoardTestKit;

namespace Tocsin.Tests.Projections;

public sealed class BoardQueryTests
{
    private const int MaxEvents = 700;

    private readonly IncidentBoard board = Board(MaxEvents);
    private readonly BoardOracle oracle = new(MaxEvents);

    public BoardQueryTests()
    {
        var entries = new RandomJournal(21).Next(2000);
        board.Apply(entries);
        oracle.Apply(entries);
    }

    [Fact]
    public void Each_filter_leaves_what_it_says_and_counts_count_that()
    {
        var since = Some.Time("1629230011");
        var until = Some.Time("1629270011.1");
        (BoardQuery Query, Func<SecurityEvent, bool> Takes)[] cases =
        [
            (new() { UserIds = ["42", "unknown", "nobody"] }, e => e.UserId is "42" or null or "unknown"),
            (new() { Priorities = [Priority.Low, Priority.Critical] }, e => e.Priority is Priority.Low or Priority.Critical),
            (new() { Types = ["intrusion"] }, e => e.Type == "intrusion"),
            (new() { Types = ["auth.*", "scan\u0001\""] }, e => e.Type.StartsWith("auth.", StringComparison.Ordinal) || e.Type == "scan\u0001\""),
            (new() { Types = ["none.*"] }, _ => false),
            (new() { Sources = ["other"] }, e => e.Source == "other"),
            (new() { Since = since }, e => e.Time >= since),
            (new() { Until = until }, e => e.Time < until),
            (new() { Since = since, Until = until, Sources = ["elevate"], Priorities = [Priority.High], UserIds = ["bob", "7"] },
                e => e.Time >= since && e.Time < until && e.Source == "elevate" && e.Priority == Priority.High && e.UserId is "bob" or "7" && e.Source == "elevate"
                    && e.Time >= since && e.Time < until && e.Priority == Priority.High),
        ];
        foreach (var (query, takes) in cases)
            Normal(board.Text(query)).ShouldBe(Normal(oracle.Board(e => e.Kind == EventKind.Incident && takes(e))));
    }

    [Fact]
    public void Several_kinds_are_merged_per_employee_by_time()
    {
        var query = new BoardQuery { Kinds = [EventKind.Incident, EventKind.Alert, EventKind.Audit] };
        Normal(board.Text(query)).ShouldBe(Normal(oracle.Board(_ => true)));
        Normal(board.Text(query with { UserIds = ["7"], PerPriority = 3 })).ShouldBe(Normal(oracle.Board(e => e.UserId == "7", perPriority: 3)));
        Normal(board.Text(new BoardQuery { Kinds = [EventKind.Incident, EventKind.Incident] })).ShouldBe(Normal(board.Text()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void Per_priority_shows_the_newest_and_counts_all(int perPriority) =>
        Normal(board.Text(new BoardQuery { PerPriority = perPriority })).ShouldBe(Normal(oracle.Board(e => e.Kind == EventKind.Incident, perPriority)));

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(100, true)]
    public void A_walk_by_pages_covers_every_employee_once(int limit, bool isFiltered)
    {
        var query = new BoardQuery { Limit = limit, Priorities = isFiltered ? [Priority.Low] : [] };
        var walked = new List<string>();
        string? after = null;
        do
        {
            var page = board.Get(query with { After = after });
            var employees = EmployeesOf(Text(page.Body));
            employees.Length.ShouldBeInRange(1, limit);
            walked.AddRange(employees);
            after = page.NextAfter;
            (after ?? employees[^1]).ShouldBe(employees[^1]);
        }
        while (after is not null);
        walked.ShouldBe(EmployeesOf(board.Text(query with { Limit = null })));
    }

    [Fact]
    public void A_page_goes_on_behind_an_employee_that_is_gone()
    {
        var small = BoardOf(Some.Event("1"), Some.Event("3"), Some.Event("x"));
        EmployeesOf(small.Text(new BoardQuery { After = "2" })).ShouldBe(["3", "x"]);
        EmployeesOf(small.Text(new BoardQuery { After = "1", UserIds = ["x", "1"] })).ShouldBe(["x"]);
        small.Text(new BoardQuery { After = "y" }).ShouldBe("{}");
    }

    [Fact]
    public void A_walk_over_many_blocks_of_employees_covers_every_employee_once()
    {
        var many = Board();
        many.Apply([.. Enumerable.Range(1, 9000).Select(i => new Sequenced(i, Some.Event($"{i * 7919 % 9001}", id: i)))]);
        many.Get(Incidents).Body.Length.ShouldBeGreaterThan(1024 * 1024);
        var walked = new List<string>();
        for (string? after = ""; after is not null;)
        {
            var page = many.Get(new BoardQuery { Limit = 1000, After = after.Length == 0 ? null : after });
            walked.AddRange(EmployeesOf(Text(page.Body)));
            after = page.NextAfter;
        }
        walked.ShouldBe(Enumerable.Range(1, 9000).Select(i => $"{i}"));
    }

    [Fact]
    public void One_employees_answer_takes_the_filters_of_events()
    {
        Normal($"{{\"7\":{Text(board.Employee("7")!.Body)}}}").ShouldBe(Normal(oracle.Board(e => e is { UserId: "7", Kind: EventKind.Incident })));
        var query = new BoardQuery { Kinds = [EventKind.Alert, EventKind.Audit], Priorities = [Priority.Low], PerPriority = 2 };
        Normal($"{{\"7\":{Text(board.Employee("7", query)!.Body)}}}")
            .ShouldBe(Normal(oracle.Board(e => e is { UserId: "7", Kind: not EventKind.Incident, Priority: Priority.Low }, 2)));
        board.Employee("7", new BoardQuery { Types = ["none"] }).ShouldBeNull();
    }
}
