using System.Globalization;
using Tocsin.Enrich;

namespace Tocsin.Tests.Enrich;

public sealed class IdentityDirectoryTests
{
    private const string Ip = "17.0.0.1";
    private static readonly DateTimeOffset Start = Some.Instant;
    private readonly IdentityDirectory _directory = new();

    [Fact]
    public void The_first_holder_is_open_to_the_past_and_the_last_to_the_future()
    {
        Learn("own", "A", hour: 0);
        Learn("own", "B", hour: 10);

        Who("own", hour: -100_000).ShouldBe("A");
        Who("own", hour: 9.99).ShouldBe("A");
        Who("own", hour: 10).ShouldBe("B");
        Who("own", hour: 100_000).ShouldBe("B");
    }

    [Fact]
    public void An_address_that_comes_back_to_its_first_holder_has_three_spans()
    {
        Learn("own", "A", hour: 0);
        Learn("own", "B", hour: 10);
        Learn("own", "A", hour: 20);

        new[] { -1.0, 0, 9, 10, 19, 20, 99 }.Select(hour => Who("own", hour)).ShouldBe(["A", "A", "A", "B", "B", "A", "A"]);
        _directory.Find(Ip).ShouldHaveSingleItem().Holders.Select(holder => (holder.UserId, holder.From, holder.To)).ShouldBe(
        [
            ("A", DateTimeOffset.MinValue, At(10)), ("B", At(10), At(20)), ("A", At(20), DateTimeOffset.MaxValue),
        ]);
    }

    [Fact]
    public void Absence_and_an_empty_answer_end_nothing()
    {
        Learn("own", "A", hour: 0);
        _directory.Observe("own", new Dictionary<string, string>(StringComparer.Ordinal), At(10)).ShouldBeEmpty();
        _directory.Observe("own", new Dictionary<string, string>(StringComparer.Ordinal) { ["10.0.0.9"] = "Z" }, At(11)).ShouldHaveSingleItem().Address.ShouldBe("10.0.0.9");
        Who("own", hour: 20).ShouldBe("A");
    }

    [Fact]
    public void What_is_known_already_changes_nothing()
    {
        Learn("own", "A", hour: 0);
        _directory.Observe("own", Users("A"), At(10)).ShouldBeEmpty();
        _directory.Find(Ip).ShouldHaveSingleItem().Holders.Count.ShouldBe(1);
    }

    [Fact]
    public void Observing_is_pure_until_its_changes_are_applied()
    {
        var changes = _directory.Observe("own", Users("A"), At(0));
        Who("own", hour: 0).ShouldBeNull();
        _directory.Find(Ip).ShouldBeEmpty();
        _directory.Count("own").ShouldBe(0);
        var again = _directory.Observe("own", Users("A"), At(0)).ShouldHaveSingleItem();
        (again.Directory, again.Address).ShouldBe((changes[0].Directory, changes[0].Address));
        again.Holders.ShouldBe(changes[0].Holders);
        _directory.Apply(again);
        Who("own", hour: 0).ShouldBe("A");
        _directory.Count("own").ShouldBe(1);
    }

    [Fact]
    public void By_hand_goes_first_then_the_sources_own_directory_then_the_others_by_name()
    {
        Learn("zeta", "Z", hour: 0);
        Learn("beta", "B", hour: 0);
        Found(_directory.ResolveAddress("own", Ip, Time(0))).ShouldBe(("B", "beta"));
        Learn("own", "O", hour: 0);
        Found(_directory.ResolveAddress("own", Ip, Time(0))).ShouldBe(("O", "own"));
        Found(_directory.ResolveAddress("zeta", Ip, Time(0))).ShouldBe(("Z", "zeta"));
        _directory.Apply(_directory.Assign(Ip, "H", At(0), At(1)));
        Found(_directory.ResolveAddress("own", Ip, Time(0))).ShouldBe(("H", IdentityDirectory.ByHand));
        Found(_directory.ResolveAddress("own", Ip, Time(1))).ShouldBe(("O", "own"));
        Found(_directory.ResolveAddress("own", Ip, Time(-1))).ShouldBe(("O", "own"));
    }

    [Fact]
    public void Of_assignments_that_overlap_the_newest_wins_where_it_holds()
    {
        _directory.Apply(_directory.Assign(Ip, "first", null, null));
        _directory.Apply(_directory.Assign(Ip, "second", At(0), At(10)));
        Who("own", -1).ShouldBe("first");
        Who("own", 5).ShouldBe("second");
        Who("own", 10).ShouldBe("first");
    }

    [Fact]
    public void An_address_nobody_holds_stays_unresolved_and_says_which()
    {
        var (user, attribution) = _directory.Resolve("own", "::FFFF:17.0.0.1", isId: false, Time(0));
        user.ShouldBeNull();
        attribution.ShouldBe(new Attribution(AttributionRule.Unresolved, null, Ip));
    }

    [Fact]
    public void A_found_holder_is_told_with_its_directory_and_address()
    {
        Learn("other", "A", hour: 0);
        _directory.Resolve("own", "::ffff:17.0.0.1", isId: false, Time(0)).ShouldBe(("A", new Attribution(AttributionRule.Identity, "other", Ip)));
    }

    [Theory]
    [InlineData("386255", false)]
    [InlineData("alice", false)]
    [InlineData("1.2", false)]
    [InlineData("17.0.0.1", true)]
    public void What_is_no_address_or_was_a_number_is_the_id_and_never_looked_up(string who, bool isNumber)
    {
        _directory.Apply(new HolderChange("own", who, [new Holder("X", DateTimeOffset.MinValue, DateTimeOffset.MaxValue)]));
        _directory.Resolve("own", who, isNumber, Time(0)).ShouldBe((who, Attribution.FromRecord));
    }

    [Fact]
    public void A_record_that_names_nobody_is_nobodys() => _directory.Resolve("own", null, isId: false, Time(0)).ShouldBe((null, Attribution.Nobody));

    [Fact]
    public void An_event_is_attributed_to_the_hundred_nanoseconds()
    {
        Learn("own", "A", hour: 0);
        _directory.Apply(_directory.Observe("own", Users("B"), At(10).AddTicks(1))[0]);
        _directory.ResolveAddress("own", Ip, EventTime.From(At(10)))!.Value.UserId.ShouldBe("A");
        _directory.ResolveAddress("own", Ip, EventTime.From(At(10).AddTicks(1)))!.Value.UserId.ShouldBe("B");
    }

    [Fact]
    public void The_ends_of_time_are_held_too()
    {
        Learn("own", "A", hour: 0);
        EventTime.TryParse("0001-01-01T00:00:00Z", out var first).ShouldBeTrue();
        EventTime.TryParse("9999-12-31T23:59:59.999999999Z", out var last).ShouldBeTrue();
        _directory.ResolveAddress("own", Ip, first)!.Value.UserId.ShouldBe("A");
        _directory.ResolveAddress("own", Ip, last)!.Value.UserId.ShouldBe("A");
    }

    [Fact]
    public void A_clock_that_was_set_back_leaves_no_time_without_a_holder()
    {
        Learn("own", "A", hour: 0);
        Learn("own", "B", hour: 10);
        Learn("own", "C", hour: 5);
        for (var hour = -5; hour < 20; hour++)
            Who("own", hour).ShouldNotBeNull(hour.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void An_address_that_changes_hands_for_ever_keeps_its_newest_holders_and_no_time_without_one()
    {
        for (var i = 0; i < 3 * IdentityDirectory.MaxHolders; i++)
        {
            Learn("own", $"U{i}", hour: i);
            _directory.Apply(_directory.Assign("17.0.0.2", $"U{i}", At(i), At(i + 1)));
        }
        _directory.Find(Ip).Single().Holders.Count.ShouldBe(IdentityDirectory.MaxHolders);
        _directory.Find("17.0.0.2").Single().Holders.Count.ShouldBe(IdentityDirectory.MaxHolders);
        const int last = (3 * IdentityDirectory.MaxHolders) - 1;
        const int first = last - IdentityDirectory.MaxHolders + 1;
        (Who("own", last), Who("own", first), Who("own", -1), Who("own", 1e6)).ShouldBe(($"U{last}", $"U{first}", $"U{first}", $"U{last}"));
        _directory.ResolveAddress("own", "17.0.0.2", Time(last + 0.5))!.Value.UserId.ShouldBe($"U{last}");
    }

    [Fact]
    public void A_directory_takes_no_more_than_its_bound_and_then_nothing_of_the_answer()
    {
        var many = Enumerable.Range(0, IdentityDirectory.MaxAddresses).ToDictionary(i => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}", _ => "A", StringComparer.Ordinal);
        foreach (var change in _directory.Observe("own", many, At(0)))
            _directory.Apply(change);
        _directory.Count("own").ShouldBe(IdentityDirectory.MaxAddresses);
        _directory.Observe("own", many, At(1)).ShouldBeEmpty();
        Should.Throw<DirectoryFullException>(() => _directory.Observe("own", Users("B"), At(1))).Message.ShouldContain("own");
        _directory.Find(Ip).ShouldBeEmpty();
        _directory.Observe("other", Users("B"), At(1)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Whoever_asks_while_it_is_changed_sees_one_holder_or_the_other_and_never_none()
    {
        Learn("own", "A", hour: 0);
        var asking = Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
                Who("own", hour: 5).ShouldNotBeNull();
        });
        for (var i = 1; i < 200; i++)
            Learn("own", i % 2 == 0 ? "A" : "B", hour: i);
        await asking;
    }

    private static DateTimeOffset At(double hour) => Start.AddHours(hour);

    private static EventTime Time(double hour) => EventTime.From(At(hour));

    private static Dictionary<string, string> Users(string user) => new(StringComparer.Ordinal) { [Ip] = user };

    private void Learn(string directory, string user, double hour)
    {
        foreach (var change in _directory.Observe(directory, Users(user), At(hour)))
            _directory.Apply(change);
    }

    private string? Who(string source, double hour) => _directory.ResolveAddress(source, Ip, Time(hour))?.UserId;

    private static (string?, string?) Found((string UserId, Attribution Attribution)? found) => (found?.UserId, found?.Attribution.Source);
}
