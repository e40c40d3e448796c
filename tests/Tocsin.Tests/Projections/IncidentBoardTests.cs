using Tocsin.Projections;
using static Tocsin.Tests.Projections.BoardTestKit;

namespace Tocsin.Tests.Projections;

public sealed class IncidentBoardTests
{
    private const string Nothing = "{\"count\":0,\"incidents\":[]}";

    [Fact]
    public void An_empty_board_is_an_empty_object()
    {
        var answer = Board().Get(Incidents);
        Text(answer.Body).ShouldBe("{}");
        answer.Sequence.ShouldBe(0);
        answer.Floor.ShouldBe(0);
        Board().Employee("4506").ShouldBeNull();
    }

    [Fact]
    public void Every_employee_has_the_four_lists_in_order()
    {
        var board = BoardOf(Some.Event(data: "{\"timestamp\":1}"));
        var incident = board.OnlyIncident();
        board.Text().ShouldBe($"{{\"4506\":{{\"low\":{Nothing},\"medium\":{Nothing},\"high\":{{\"count\":1,\"incidents\":[{incident}]}},\"critical\":{Nothing}}}}}");
        Text(board.Employee("4506")!.Body).ShouldBe(board.Text()[8..^1]);
    }

    [Fact]
    public void Employees_stand_by_number_then_by_text_and_unknown_last()
    {
        string?[] users = [null, "zoe", "10", "9", "", "007", "7", "123456789012345678901234567890", "unknowns", "Zoe", "9a", "0", "unknown"];
        EmployeesOf(BoardOf([.. users.Select(u => Some.Event(u))]).Text())
            .ShouldBe(["0", "007", "7", "9", "10", "123456789012345678901234567890", "", "9a", "Zoe", "unknowns", "zoe", "unknown"]);
    }

    [Fact]
    public void Lists_ascend_by_time_then_by_sequence()
    {
        string[] times = ["5", "3.000000001", "3", "5", "4", "3.0000000005"];
        var board = BoardOf([.. times.Select((t, i) => Some.Event(time: t, data: $"{{\"timestamp\":{t},\"n\":{i}}}"))]);
        board.Text().Split("\"n\":")[1..].Select(rest => rest[0]).ShouldBe("251403");
    }

    [Fact]
    public void Events_without_a_priority_or_of_another_kind_are_not_shown()
    {
        var board = BoardOf(Some.Event(priority: Priority.None), Some.Event(kind: EventKind.Alert), Some.Event(kind: EventKind.Audit));
        board.Text().ShouldBe("{}");
        board.Sequence.ShouldBe(3);
        EmployeesOf(board.Text(new BoardQuery { Kinds = [EventKind.Alert] })).ShouldBe(["4506"]);
    }

    [Theory]
    [InlineData(1, 60, 1)]
    [InlineData(2, 100, 7)]
    [InlineData(3, 37, 300)]
    [InlineData(4, 1, 3)]
    [InlineData(6, 1000, 11)]
    [InlineData(5, 400, 1000)]
    public void It_equals_an_independent_grouping_after_every_batch(int seed, int maxEvents, int batch)
    {
        var journal = new RandomJournal(seed);
        var board = Board(maxEvents);
        var oracle = new BoardOracle(maxEvents);
        for (var entries = 0; entries < Math.Min(2000, batch * 250); entries += batch)
        {
            var next = journal.Next(batch);
            board.Apply(next);
            oracle.Apply(next);
            Normal(board.Text()).ShouldBe(Normal(oracle.Board(e => e.Kind == EventKind.Incident)));
            board.Floor.ShouldBe(board.Count == maxEvents && board.Floor > 0 ? oracle.Held[0].Sequence : 0);
        }
        Normal(board.Text(new BoardQuery { Kinds = [EventKind.Audit] })).ShouldBe(Normal(oracle.Board(e => e.Kind == EventKind.Audit)));
    }

    /// <summary>Cut into batches of any size: newer versions, priorities that go and come back, and what the board asks for beside the entries.</summary>
    [Theory]
    [InlineData(21, 60, 1)]
    [InlineData(22, 100, 7)]
    [InlineData(23, 37, 300)]
    [InlineData(24, 1, 3)]
    [InlineData(25, 1000, 11)]
    [InlineData(26, 400, 1000)]
    public void With_newer_versions_it_equals_an_independent_grouping_after_every_batch(int seed, int maxEvents, int batch)
    {
        var journal = new RandomJournal(seed, revises: true);
        var board = Board(maxEvents);
        var oracle = new BoardOracle(maxEvents);
        for (var entries = 0; entries < Math.Min(2000, batch * 250); entries += batch)
        {
            var next = journal.Next(batch);
            var missing = board.MissingTargets(next);
            oracle.Apply(next);
            // As the store gives them: with all that is committed by then.
            board.Apply(next, missing.Distinct().ToDictionary(at => at, at => oracle.Find(at)!));
            foreach (var kind in Enum.GetValues<EventKind>())
                Normal(board.Text(new BoardQuery { Kinds = [kind] })).ShouldBe(Normal(oracle.Board(e => e.Kind == kind)));
            var query = new BoardQuery { Kinds = [EventKind.Incident], Types = ["auth.*"], Sources = ["elevate"], Since = Some.Time("1629240000") };
            Normal(board.Text(query)).ShouldBe(Normal(oracle.Board(e =>
                e.Kind == EventKind.Incident && e.Type.StartsWith("auth.", StringComparison.Ordinal) && e.Source == "elevate" && e.Time >= Some.Time("1629240000"))));
            board.Floor.ShouldBe(board.Count == maxEvents && board.Floor > 0 ? oracle.Held[0].Sequence : 0);
        }
    }

    [Fact]
    public void A_newer_version_stands_where_it_now_belongs_under_the_id_it_had()
    {
        var board = BoardOf(Some.Event("1"), Some.Event("1", id: 2));
        var before = board.Get(Incidents).ETag;
        var newer = Some.Event("2", Priority.Low, type: "scan", time: "5.50", data: """{"event_id":"theirs","n":1.50,"priority":"high"}""", id: 99);
        board.Apply([new Sequenced(3, Some.Revision(1, newer))]);
        board.Text().ShouldBe(BoardOf(newer with { Id = Some.Id(1) }, Some.Event("1", id: 2)).Text());
        board.Get(Incidents).ETag.ShouldNotBe(before);
        // The same person, priority and time with other data is another board, too.
        before = board.Get(Incidents).ETag;
        board.Apply([new Sequenced(4, Some.Revision(1, newer with { Data = Some.Record("{}") }))]);
        board.Text().ShouldBe(BoardOf(newer with { Id = Some.Id(1), Data = Some.Record("{}") }, Some.Event("1", id: 2)).Text());
        board.Get(Incidents).ETag.ShouldNotBe(before);
    }

    [Fact]
    public void Away_and_back_within_one_batch_is_there()
    {
        var source = Some.Event();
        var back = source with { Type = "back" };
        Sequenced[] more = [new(2, Some.Revision(1, source with { Priority = Priority.None })), new(3, Some.Revision(1, back))];
        var board = BoardOf(source);
        board.MissingTargets(more).ShouldBe([1L]);
        board.Apply(more, new Dictionary<long, SecurityEvent> { [1] = back });
        board.Text().ShouldBe(BoardOf(back).Text());
        // Also when the event itself comes in the same batch.
        var late = Board();
        Sequenced[] all = [new(1, source), .. more];
        late.MissingTargets(all).ShouldBe([1L]);
        late.Apply(all, new Dictionary<long, SecurityEvent> { [1] = back });
        late.Text().ShouldBe(board.Text());
    }

    [Fact]
    public void A_large_employee_is_kept_in_chunks_and_stays_right_when_incidents_come_move_and_go()
    {
        var random = new Random(5);
        var board = Board(maxEvents: 3000);
        var oracle = new BoardOracle(3000);
        long sequence = 0;
        for (var round = 0; round < 40; round++)
        {
            var entries = new List<Sequenced>();
            for (var i = 0; i < 200; i++)
            {
                var amends = sequence > 0 && random.Next(3) == 0;
                entries.Add(new Sequenced(++sequence, amends
                    ? Some.Amendment(random.Next(1, (int)sequence), random.Next(2) == 0 ? null : random.Next(2) == 0 ? "1" : "unknown", random.Next(2) == 0 ? (Priority)random.Next(1, 5) : null)
                    : Some.Event(random.Next(9) == 0 ? "1" : null, (Priority)random.Next(1, 5), time: $"{random.Next(100000)}", id: sequence, data: $"{{\"t\":\"{new string('y', random.Next(300))}\"}}")));
            }
            board.Apply(entries);
            oracle.Apply(entries);
            Normal(board.Text()).ShouldBe(Normal(oracle.Board(_ => true)));
        }
        board.Employee("unknown")!.Body.Fragments.Count().ShouldBeGreaterThan(3);
    }

    [Fact]
    public void A_late_mapping_moves_the_incident_from_unknown_to_the_employee()
    {
        var board = BoardOf(Some.Event(userId: null), Some.Event(userId: null));
        board.Apply([new Sequenced(3, Some.Amendment(1, userId: "12"))]);
        EmployeesOf(board.Text()).ShouldBe(["12", "unknown"]);
        board.Apply([new Sequenced(4, Some.Amendment(2, userId: "12"))]);
        EmployeesOf(board.Text()).ShouldBe(["12"]);
        board.Employee("unknown").ShouldBeNull();
        board.Text(new BoardQuery { UserIds = ["unknown"] }).ShouldBe("{}");
    }

    [Fact]
    public void There_and_back_again_within_one_batch_leaves_one_incident() =>
        BoardOf(Some.Event("1"), Some.Amendment(1, "2"), Some.Amendment(1, "1"), Some.Amendment(1, "3"), Some.Amendment(1, "1", Priority.Low), Some.Amendment(1, priority: Priority.High))
            .Text().ShouldBe(BoardOf(Some.Event("1")).Text());

    [Fact]
    public void An_incident_whose_priority_is_taken_away_leaves_and_comes_back_with_a_new_one()
    {
        var source = Some.Event();
        var board = BoardOf(source, Some.Amendment(1, priority: Priority.None));
        board.Text().ShouldBe("{}");
        Sequenced[] more = [new(3, Some.Amendment(1, priority: Priority.Low))];
        board.MissingTargets(more).ShouldBe([1L]);
        board.Apply(more, new Dictionary<long, SecurityEvent> { [1] = source });
        board.Text().ShouldBe(BoardOf(source with { Priority = Priority.Low }).Text());
        board.Count.ShouldBe(1);
    }

    [Fact]
    public void An_event_that_gets_its_first_priority_by_amendment_is_asked_for_and_takes_its_place()
    {
        var source = Some.Event(priority: Priority.None, data: "{}");
        Sequenced[] entries = [.. Enumerable.Range(1, 5000).Select(i => new Sequenced(i, i == 7 ? source : Some.Event($"{i}", id: i))), new(5001, Some.Amendment(7, "7", Priority.High))];
        var board = Board();
        board.MissingTargets(entries).ShouldBe([7L]);
        board.Apply(entries, new Dictionary<long, SecurityEvent> { [7] = source });
        board.Count.ShouldBe(5000);
        var oracle = new BoardOracle(1_000_000);
        oracle.Apply(entries);
        Normal(board.Text()).ShouldBe(Normal(oracle.Board(_ => true)));
        board.Apply([new(5002, Some.Amendment(7, "8"))]);
        EmployeesOf(board.Text()).ShouldNotContain("7");
    }

    [Fact]
    public void The_newest_events_of_all_kinds_together_are_held_and_the_floor_says_from_where()
    {
        var board = BoardOf(3, Some.Event("1"), Some.Event("2"), Some.Event("3", Priority.None), Some.Event("4"));
        board.Floor.ShouldBe(0);
        var uncut = board.Get(Incidents);
        board.Apply([new Sequenced(5, Some.Event("5", kind: EventKind.Alert))]);
        board.Floor.ShouldBe(2);
        EmployeesOf(board.Text()).ShouldBe(["2", "4"]);
        board.Get(Incidents).Floor.ShouldBe(2);
        board.Get(Incidents).ETag.ShouldNotBe(uncut.ETag);
        board.Apply([new Sequenced(6, Some.Amendment(1, "9", Priority.Critical))]);
        EmployeesOf(board.Text()).ShouldBe(["2", "4"]);
    }

    [Fact]
    public void With_newer_versions_a_board_that_begins_in_the_middle_ends_like_one_that_read_everything()
    {
        var entries = new RandomJournal(27, revises: true).Next(3000);
        var oracle = new BoardOracle(200);
        oracle.Apply(entries);
        var (whole, late) = (Board(maxEvents: 200), Board(maxEvents: 200));
        var start = entries.Where(e => e.Entry is SecurityEvent { Priority: not Priority.None }).TakeLast((int)late.StartCount).First().Sequence - 1;
        late.Start(start);
        foreach (var (board, batch) in new[] { (whole, 500), (late, 70) })
            foreach (var page in entries.Where(e => e.Sequence > board.Sequence).Chunk(batch))
                board.Apply(page, board.MissingTargets(page).Distinct().ToDictionary(at => at, at => oracle.Find(at)!));
        late.Text().ShouldBe(whole.Text());
        late.Floor.ShouldBe(whole.Floor);
        late.Get(Incidents).ETag.ShouldBe(whole.Get(Incidents).ETag);
        Normal(whole.Text()).ShouldBe(Normal(oracle.Board(e => e.Kind == EventKind.Incident)));
    }

    [Fact]
    public void A_board_that_begins_in_the_middle_ends_like_one_that_read_everything()
    {
        var entries = new RandomJournal(11).Next(3000);
        var whole = Board(maxEvents: 200);
        var late = Board(maxEvents: 200);
        var start = entries.Where(e => e.Entry is SecurityEvent { Priority: not Priority.None }).TakeLast((int)late.StartCount).First().Sequence - 1;
        late.Start(start);
        whole.Apply(entries);
        late.Apply([.. entries.Where(e => e.Sequence > start)]);
        late.Text().ShouldBe(whole.Text());
        late.Floor.ShouldBe(whole.Floor);
        late.Get(Incidents).ETag.ShouldBe(whole.Get(Incidents).ETag);
        Should.Throw<InvalidOperationException>(() => late.Start(1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5_000)]
    public void How_much_text_waits_to_be_merged_does_not_show(int maxPendingBytes)
    {
        var entries = new RandomJournal(14).Next(1500);
        var board = Board(300);
        board.Apply(entries);
        var content = new BoardContent(300, maxPendingBytes);
        content.Apply(entries, 0, entries.Length, targets: null);
        content.Flush();
        Text(content.Of(EventKind.Incident).Blocks.ToBody()).ShouldBe(board.Text());
    }

    [Fact]
    public void Entries_seen_before_are_ignored()
    {
        var board = BoardOf(Some.Event("1"), Some.Event("2"));
        var before = board.Get(Incidents);
        board.Apply([new Sequenced(1, Some.Event("1")), new Sequenced(2, Some.Event("2"))]);
        board.Get(Incidents).ShouldBeSameAs(before);
        board.Sequence.ShouldBe(2);
    }

    [Fact]
    public void Callers_with_overlapping_batches_lose_nothing()
    {
        var entries = new RandomJournal(12).Next(4000);
        var expected = Board();
        expected.Apply(entries);
        var board = Board();
        Parallel.For(0, 4, i => board.Apply([.. entries.Take(1000 * (i + 1))]));
        board.Text().ShouldBe(expected.Text());
    }

    [Fact]
    public async Task Readers_beside_a_writer_get_whole_answers()
    {
        var journal = new RandomJournal(13);
        var board = Board(maxEvents: 300);
        var reader = Task.Run(() =>
        {
            while (board.Sequence < 6000)
            {
                var answer = board.Get(Incidents);
                EmployeesOf(Text(answer.Body)).Length.ShouldBeLessThan(11);
                EmployeesOf(board.Text(new BoardQuery { Priorities = [Priority.Low], Kinds = [EventKind.Alert, EventKind.Incident] })).Length.ShouldBeLessThan(11);
            }
        });
        while (board.Sequence < 6000)
            board.Apply(journal.Next(20));
        await reader;
    }
}
