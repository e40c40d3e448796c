using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public abstract partial class QueryContract
{
    [Fact]
    public async Task An_empty_journal_answers_with_nothing()
    {
        (await CheckAsync(new EventQuery())).Next.ShouldBeNull();
        (await CheckAsync(Query(filter => filter with { Types = ["x"], Since = Time("0001-01-01T00:00:00Z") }))).Events.ShouldBeEmpty();
        QueryOracle.Same(await Store.CountAsync(new StatsQuery { Every = TimeSpan.FromMinutes(1) }, default), _oracle.Count(new StatsQuery()), "");
        (await Store.FindAsync(Some.Id(1), default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_type_is_itself_and_a_star_is_all_that_begins_so()
    {
        string[] types = ["auth", "auth.x", "auth.x.y", "authz.x", "auth.*", "auth.", "Auth.x", "auth.xy", "AUTH.X", "x.auth.x", "*", ""];
        await CommitAsync([.. types.Select(type => Event() with { Type = type })]);
        (await FoundAsync(filter => filter with { Types = ["auth.*"] })).ShouldBe([2, 3, 5, 6, 8]);
        (await FoundAsync(filter => filter with { Types = ["auth"] })).ShouldBe([1]);
        (await FoundAsync(filter => filter with { Types = ["auth.x"] })).ShouldBe([2]);
        (await FoundAsync(filter => filter with { Types = ["auth.x.*"] })).ShouldBe([3]);
        (await FoundAsync(filter => filter with { Types = ["auth.x", "authz.*", "auth.*"] })).ShouldBe([2, 3, 4, 5, 6, 8]);
        (await FoundAsync(filter => filter with { Types = ["*"] })).ShouldBe([11]);
        (await FoundAsync(filter => filter with { Types = [""] })).ShouldBe([12]);
        (await FoundAsync(filter => filter with { Types = ["aut.*", "aut", "authz"] })).ShouldBeEmpty();
    }

    [Fact]
    public async Task Nobody_is_found_as_unknown_and_so_is_one_who_is_called_so()
    {
        await CommitAsync(Event(), Event() with { UserId = "unknown" }, Event() with { UserId = "" }, Event() with { UserId = "Unknown" }, Event() with { UserId = "7" }, Event() with { UserId = "07" });
        (await FoundAsync(filter => filter with { UserIds = ["unknown"] })).ShouldBe([1, 2]);
        (await FoundAsync(filter => filter with { UserIds = ["7", "unknown"] })).ShouldBe([1, 2, 5]);
        (await FoundAsync(filter => filter with { UserIds = [""] })).ShouldBe([3]);
        (await FoundAsync(filter => filter with { UserIds = ["null"] })).ShouldBeEmpty();
        // Only people have an alias for none.
        (await FoundAsync(filter => filter with { Devices = ["unknown"] })).ShouldBeEmpty();
    }

    [Fact]
    public async Task No_value_is_not_an_empty_one()
    {
        await CommitAsync(Event(), Event() with { Device = "", Country = "", ExternalId = "", SrcIp = "", DstIp = "" });
        (await FoundAsync(filter => filter with { Devices = [""] })).ShouldBe([2]);
        (await FoundAsync(filter => filter with { Countries = [""] })).ShouldBe([2]);
        (await FoundAsync(filter => filter with { ExternalIds = [""] })).ShouldBe([2]);
        (await FoundAsync(filter => filter with { Ips = [Range("::/0")] })).ShouldBeEmpty();
    }

    [Fact]
    public async Task Texts_are_compared_letter_by_letter()
    {
        string[] texts = ["é", "e\u0301", "É", "ß", "ss", "a", "A", "a ", "a\0", "a\0b", "1", "01", "1.0", "😀", new('x', 300), new string('x', 300) + "y"];
        await CommitAsync([.. texts.Select(text => Event() with { Device = text, UserId = text, Country = text, ExternalId = text, Source = text, Type = text })]);
        for (var i = 0; i < texts.Length; i++)
            foreach (var narrow in (Func<EventFilter, EventFilter>[])
                [
                    filter => filter with { Devices = [texts[i]] }, filter => filter with { UserIds = [texts[i]] }, filter => filter with { Countries = [texts[i]] },
                    filter => filter with { ExternalIds = [texts[i]] }, filter => filter with { Sources = [texts[i]] }, filter => filter with { Types = [texts[i]] },
                ])
                (await FoundAsync(narrow)).ShouldBe([i + 1L]);
    }

    [Fact]
    public async Task An_address_is_found_on_its_side_in_whatever_form_it_came()
    {
        await CommitAsync(
            Event() with { SrcIp = "10.1.2.3" }, Event() with { DstIp = "10.1.2.3" }, Event() with { SrcIp = "::ffff:10.1.2.3", DstIp = "10.9.9.9" }, Event() with { SrcIp = "2001:0DB8:0::1" },
            Event() with { DstIp = "2001:db8::1" }, Event() with { SrcIp = "10.1.2.3:80", DstIp = "host" }, Event() with { SrcIp = "10.1.2.30" }, Event() with { SrcIp = "::10.1.2.3" }, Event());
        (await FoundAsync(filter => filter with { SrcIps = [Range("10.1.2.3")] })).ShouldBe([1, 3]);
        (await FoundAsync(filter => filter with { DstIps = [Range("10.1.2.3")] })).ShouldBe([2]);
        (await FoundAsync(filter => filter with { Ips = [Range("10.1.2.3")] })).ShouldBe([1, 2, 3]);
        (await FoundAsync(filter => filter with { Ips = [Range("::ffff:10.1.2.3")] })).ShouldBe([1, 2, 3]);
        (await FoundAsync(filter => filter with { SrcIps = [Range("10.1.2.0/24")] })).ShouldBe([1, 3, 7]);
        (await FoundAsync(filter => filter with { Ips = [Range("2001:db8::/32")] })).ShouldBe([4, 5]);
        (await FoundAsync(filter => filter with { Ips = [Range("0.0.0.0/0")] })).ShouldBe([1, 2, 3, 7]);
        (await FoundAsync(filter => filter with { Ips = [Range("::/0")] })).ShouldBe([1, 2, 3, 4, 5, 7, 8]);
        (await FoundAsync(filter => filter with { SrcIps = [Range("10.1.2.30"), Range("2001:db8::1")] })).ShouldBe([4, 7]);
        // Each side has its own wish, and both must hold.
        (await FoundAsync(filter => filter with { SrcIps = [Range("10.1.2.3")], DstIps = [Range("10.9.0.0/16")] })).ShouldBe([3]);
        (await FoundAsync(filter => filter with { Ips = [Range("10.9.0.0/16")], DstIps = [Range("10.1.2.3")] })).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_time_is_an_instant_whatever_its_digits_and_a_window_is_half_open()
    {
        await CommitAsync(
            Event("2021-08-18T02:38:31.5Z"), Event("2021-08-18T02:38:31.500Z"), Event("2021-08-18T02:38:31.500000001Z"), Event("2021-08-18T02:38:31.500000002Z"),
            Event("2021-08-18T02:38:31.4999999Z"), Event("2021-08-18T02:38:31.5000001Z"), Event("0001-01-01T00:00:00Z"), Event("9999-12-31T23:59:59.999999999Z"));
        (await FoundAsync(filter => filter with { Times = [Time("2021-08-18T02:38:31.50Z")] })).ShouldBe([1, 2]);
        (await FoundAsync(filter => filter with { Times = [Time("2021-08-18T02:38:31.500000001Z"), Time("0001-01-01T00:00:00Z")] })).ShouldBe([3, 7]);
        (await FoundAsync(filter => filter with { Times = [Time("2021-08-18T02:38:31.500000003Z")] })).ShouldBeEmpty();
        (await FoundAsync(filter => filter with { Since = Time("2021-08-18T02:38:31.500000001Z") })).ShouldBe([3, 4, 6, 8]);
        (await FoundAsync(filter => filter with { Until = Time("2021-08-18T02:38:31.500000001Z") })).ShouldBe([1, 2, 5, 7]);
        (await FoundAsync(filter => filter with { Since = Time("2021-08-18T02:38:31.5Z"), Until = Time("2021-08-18T02:38:31.500000002Z") })).ShouldBe([1, 2, 3]);
        (await FoundAsync(filter => filter with { Since = Time("2021-08-18T02:38:31.5Z"), Until = Time("2021-08-18T02:38:31.5Z") })).ShouldBeEmpty();
        (await FoundAsync(filter => filter with { Since = Time("2022-01-01T00:00:00Z"), Until = Time("2021-01-01T00:00:00Z") })).ShouldBeEmpty();
        (await FoundAsync(filter => filter with { Since = Time("9999-12-31T23:59:59.999999999Z") })).ShouldBe([8]);
        (await FoundAsync(filter => filter with { Until = Time("0001-01-01T00:00:00Z") })).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_Tocsin_did_itself_shows_only_when_asked_for()
    {
        await CommitAsync(
            Event() with { Source = "tocsin", Type = "tocsin.token" }, Event() with { Source = "tocsin", Type = "login" }, Event() with { Source = "s", Type = "tocsin.token" },
            Event() with { Source = "Tocsin", Type = "login" }, Event() with { Source = "s", Type = "login" });
        (await FoundAsync(filter => filter)).ShouldBe([3, 4, 5]);
        (await FoundAsync(filter => filter with { Types = ["login"] })).ShouldBe([4, 5]);
        (await FoundAsync(filter => filter with { Kinds = [EventKind.Incident], Priorities = [Priority.Low], Since = Time("2000-01-01T00:00:00Z") })).ShouldBe([3, 4, 5]);
        (await FoundAsync(filter => filter with { Sources = ["tocsin"] })).ShouldBe([1, 2]);
        (await FoundAsync(filter => filter with { Sources = ["s", "tocsin"] })).ShouldBe([1, 2, 3, 5]);
        (await FoundAsync(filter => filter with { Types = ["tocsin.*"] })).ShouldBe([1, 3]);
        (await FoundAsync(filter => filter with { Types = ["tocsin.token"], Sources = ["s"] })).ShouldBe([3]);
        (await FoundAsync(filter => filter with { Types = ["tocsin.none", "login"] })).ShouldBe([2, 4, 5]);
        (await FoundAsync(filter => filter with { Ids = [((SecurityEvent)_oracle.Entries[0]).Id] })).ShouldBeEmpty();
        (await Store.CountAsync(new StatsQuery { By = StatsField.Source }, default)).Values.ShouldBe([new("s", 2), new("Tocsin", 1)]);
        (await Store.CountAsync(new StatsQuery { By = StatsField.Type, Filter = new() { Sources = ["tocsin"] } }, default)).Values.ShouldBe([new("login", 1), new("tocsin.token", 1)]);
    }

    [Fact]
    public async Task The_record_is_looked_into_beside_other_filters()
    {
        await CommitAsync(
            Event() with { UserId = "1", Data = Some.Record("""{"a":{"b":[0,"Needle"]}}""") }, Event() with { UserId = "1", Data = Some.Record("{}") },
            Event() with { UserId = "2", Data = Some.Record("""{"a":{"b":[0,"Needle"]}}""") }, Event() with { UserId = "1", Description = "a NEEDLE" }, Event() with { UserId = "1", Data = RawRecord.None });
        var path = FieldPath.Parse("a.b[1]");
        (await FoundAsync(filter => filter with { Texts = ["needle"] })).ShouldBe([1, 3, 4]);
        (await FoundAsync(filter => filter with { Texts = ["needle"], UserIds = ["1"] })).ShouldBe([1, 4]);
        (await FoundAsync(filter => filter with { Data = [new(path, ["x", "Needle"])], UserIds = ["2"] })).ShouldBe([3]);
        (await FoundAsync(filter => filter with { Data = [new(path, ["needle"])] })).ShouldBeEmpty();
        (await Store.CountAsync(new StatsQuery { By = StatsField.UserId, Filter = new() { Texts = ["needle"] } }, default)).Values.ShouldBe([new("1", 2), new("2", 1)]);
    }

    [Fact]
    public async Task An_event_is_found_by_its_id_as_it_reads_now()
    {
        var keyed = Event() with { Id = new DedupeKey(Store.Info).OfExternalId("s", "1"), Priority = Priority.None };
        var own = Event() with { Source = "tocsin", Type = "tocsin.x" };
        await CommitAsync(keyed, Event(), own);
        await CommitAsync(Some.Amendment(1, "7", Priority.High), Some.Amendment(3, "8"), Some.Amendment(1, "9"));
        async Task CheckAllAsync()
        {
            foreach (var expected in _oracle.Events())
                QueryOracle.Same([(await Store.FindAsync(expected.Event.Id, default)).ShouldNotBeNull()], [expected], "found by id");
            (await Store.FindAsync(keyed.Id, default))!.Value.Event.UserId.ShouldBe("9");
            (await Store.FindAsync(EventId.FromKey(new byte[32]), default)).ShouldBeNull();
            (await Store.FindAsync(Some.Id(0), default)).ShouldBeNull();
        }
        await CheckAllAsync();
        await ReopenAsync();
        await CheckAllAsync();
    }
}
