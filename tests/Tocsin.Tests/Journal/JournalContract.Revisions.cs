using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>A newer version of a record, carried by an amendment.</summary>
public abstract partial class JournalContract
{
    /// <summary>Nothing in an event like it: every field differs, and some are null that were not.</summary>
    private static Revision Newer(string data = """{"v":2}""") => new()
    {
        Type = "auth.failed", Device = "waf é", Priority = Priority.Critical, Time = EventTime.FromStored(16_292_543_110_000_001, 923), UserId = "4506", Description = "déjà\0vu \"😀\" <b>",
        SrcIp = "10.0.0.9", DstIp = "::2", Country = "DE", Attribution = new Attribution(AttributionRule.Identity, "dir", "10.0.0.9"), Data = Json(data), Fingerprint = long.MinValue,
    };

    private static SecurityEvent Full(EventId id) => Event("first") with
    {
        Id = id, ExternalId = "x-1", Kind = EventKind.Alert, Device = "fw", Priority = Priority.Low, UserId = "7", Description = "old", SrcIp = "10.0.0.1", DstIp = "::1",
        Country = "FR", Attribution = Attribution.FromRecord, Fingerprint = 1, Data = Json("""{"v":1}"""),
    };

    private static Amendment Amend(long target, Revision revision) => new() { Target = target, At = T0, By = "alerts", Revision = revision };

    [Fact]
    public async Task A_newer_version_takes_the_place_of_all_that_the_event_said_and_what_names_the_event_stays()
    {
        var first = Full(new DedupeKey(Store.Info).OfExternalId("s", "x-1"));
        var bare = new Revision { Type = "bare", Time = EventTime.From(T0, 0), Attribution = Attribution.Nobody, Data = RawRecord.None };
        await CommitAsync(new Append { Entries = [first, Event("neighbour")] });
        await CommitAsync(new Append { Entries = [new Amendment { Target = 1, At = T0, By = "x", UserId = "9", Priority = Priority.High }, Amend(1, Newer()), Amend(2, bare)] });
        var expected = Newer().Apply(first);
        (expected.Id, expected.ExternalId, expected.Kind, expected.Source, expected.ReceivedAt).ShouldBe((first.Id, "x-1", EventKind.Alert, "s", first.ReceivedAt));
        for (var opened = 0; opened < 2; opened++)
        {
            Same((await Store.FindAsync(1, default))!, expected);
            var (sequence, found) = (await Store.FindAsync(first.Id, default))!.Value;
            sequence.ShouldBe(1);
            Same(found, expected);
            Same((await Store.FindAsync(2, default))!, bare.Apply(Event("neighbour")) with { Id = (await Store.FindAsync(2, default))!.Id });

            // As first committed: the event says what it said, the amendment what it brought.
            var read = await Store.ReadAsync(0, 10, default);
            Same(read[0].Entry, first);
            Same(read[3].Entry, Amend(1, Newer()));
            Same(read[4].Entry, Amend(2, bare));
            await ReopenAsync();
        }
    }

    [Theory]
    [InlineData("""{ "n" : 12345678901234567890, "e":1e400, "d": 0.10 }""")]
    [InlineData("{\"a\":\r\n\t[ ]  ,\"a\":\"\\ud800 \\u00e9\",\"z\":\"\u0001\"}")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("é😀")]
    public async Task The_record_of_a_newer_version_comes_back_byte_for_byte(string data)
    {
        await CommitAsync(new Append { Entries = [Event("a")] });
        await CommitAsync(new Append { Entries = [Amend(1, Newer(data))] });
        for (var opened = 0; opened < 2; opened++)
        {
            (await Store.FindAsync(1, default))!.Data.Utf8.Span.SequenceEqual(Json(data).Utf8.Span).ShouldBeTrue();
            ((Amendment)(await Store.ReadAsync(1, 1, default)).Single().Entry).Revision!.Data.Utf8.Span.SequenceEqual(Json(data).Utf8.Span).ShouldBeTrue();
            await ReopenAsync();
        }
    }

    [Theory]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59.999999999Z")]
    [InlineData("1969-12-31T23:59:59.10Z")]
    [InlineData("2021-08-18T02:38:31.120000000Z")]
    public async Task The_time_of_a_newer_version_keeps_its_digits(string text)
    {
        EventTime.TryParse(text, out var time).ShouldBeTrue();
        await CommitAsync(new Append { Entries = [Event("a")] });
        await CommitAsync(new Append { Entries = [Amend(1, Newer() with { Time = time })] });
        await ReopenAsync();
        (await Store.FindAsync(1, default))!.Time.ToString().ShouldBe(text);
    }

    [Fact]
    public async Task What_stands_beside_a_newer_version_holds_over_it_and_what_comes_after_over_both()
    {
        await CommitAsync(new Append { Entries = [Event("a")] });
        var beside = Amend(1, Newer()) with { UserId = "beside", Priority = Priority.Low, Attribution = Attribution.FromRecord };
        await CommitAsync(new Append { Entries = [beside] });
        var found = (await Store.FindAsync(1, default))!;
        (found.Type, found.UserId, found.Priority, found.Attribution).ShouldBe(("auth.failed", "beside", Priority.Low, Attribution.FromRecord));
        await CommitAsync(new Append { Entries = [new Amendment { Target = 1, At = T0, By = "x", UserId = "after" }] });
        (await Store.FindAsync(1, default))!.UserId.ShouldBe("after");
        await CommitAsync(new Append { Entries = [Amend(1, Newer() with { UserId = null })] });
        (await Store.FindAsync(1, default))!.UserId.ShouldBeNull();
        ((Amendment)(await Store.ReadAsync(1, 1, default)).Single().Entry).UserId.ShouldBe("beside");
    }

    [Fact]
    public async Task A_repeat_is_judged_by_what_was_committed_first_and_the_newest_content_is_told_beside()
    {
        var first = Full(new DedupeKey(Store.Info).OfExternalId("s", "x-1"));
        await CommitAsync(new Append { Entries = [first] });
        await CommitAsync(new Append { Entries = [Amend(1, Newer() with { Fingerprint = 2 }), Amend(1, Newer("""{"v":3}""") with { Fingerprint = 3 })] });
        for (var opened = 0; opened < 2; opened++)
        {
            (await CommitAsync(new Append { Entries = [first, first with { Fingerprint = 2 }, first with { Fingerprint = 3 }, first with { Fingerprint = 4 }] }))[0].Entries
                .ShouldBe([new(EntryStatus.Duplicate, 1), new(EntryStatus.Changed, 1), new(EntryStatus.Changed, 1), new(EntryStatus.Changed, 1)]);
            var known = (await Store.FindAsync(first.Id, default))!.Value.Event;
            (known.Fingerprint, known.Data.ToString()).ShouldBe((3, """{"v":3}"""));
            await ReopenAsync();
        }
    }

    [Fact]
    public async Task Who_is_unresolved_is_told_of_the_newest_version()
    {
        Revision Without(string? address, EventTime time) =>
            Newer() with { UserId = null, Time = time, Attribution = address is null ? Attribution.Nobody : new Attribution(AttributionRule.Unresolved, null, address) };
        var (then, later) = (EventTime.From(T0), EventTime.From(T0.AddHours(1)));
        async Task ListedAsync(params (string Address, long Sequence, EventTime Time)[] expected)
        {
            for (var opened = 0; opened < 2; opened++)
            {
                var addresses = await Store.ListUnresolvedAddressesAsync(null, 10, default);
                var listed = new List<(string, long, EventTime)>();
                foreach (var address in addresses)
                    foreach (var e in await Store.ListUnresolvedAsync(address.Address, 0, 10, default))
                        listed.Add((address.Address, e.Sequence, e.Time));
                listed.ShouldBe(expected);
                await ReopenAsync();
            }
        }
        await CommitAsync(new Append { Entries = [Unresolved("1.1.1.1"), Unresolved("1.1.1.1"), Event("named") with { UserId = "7" }] });
        // Another address; the same one at another time; one that had a person and has none now.
        await CommitAsync(new Append { Entries = [Amend(1, Without("2.2.2.2", then)), Amend(2, Without("1.1.1.1", later)), Amend(3, Without("3.3.3.3", later))] });
        await ListedAsync(("1.1.1.1", 2, later), ("2.2.2.2", 1, then), ("3.3.3.3", 3, later));
        // A person in the version, a person beside it, and no address at all.
        await CommitAsync(new Append { Entries = [Amend(1, Newer()), Amend(2, Without("4.4.4.4", then)) with { UserId = "8" }, Amend(3, Without(null, then))] });
        await ListedAsync();
        // And back, twice in one append.
        await CommitAsync(new Append { Entries = [Amend(1, Without("5.5.5.5", then)), Amend(1, Without("6.6.6.6", later)), Amend(1, Without("6.6.6.6", later))] });
        await ListedAsync(("6.6.6.6", 1, later));
        await CommitAsync(new Append { Entries = [new Amendment { Target = 1, At = T0, By = "late-identity", UserId = "9" }] });
        await ListedAsync();
    }

    [Fact]
    public async Task Pages_of_large_newer_versions_are_shorter_and_give_every_entry_once()
    {
        var large = Newer() with { Data = new RawRecord(new byte[1 << 20]) };
        await CommitAsync(new Append { Entries = [.. Enumerable.Range(0, 80).Select(_ => Event("a"))] });
        for (var i = 0; i < 8; i++)
            await CommitAsync(new Append { Entries = [.. Enumerable.Range(1, 10).SelectMany(n => new Entry[] { Amend((i * 10) + n, large), Event("b") })] });
        var pages = 0;
        for (var seen = 0L; seen < Store.Head; pages++)
        {
            var page = await Store.ReadAsync(seen, 10_000, default);
            page.Sum(entry => entry.Entry.Bytes).ShouldBeLessThan(65L << 20);
            foreach (var entry in page)
                entry.Sequence.ShouldBe(++seen);
        }
        pages.ShouldBeGreaterThan(2);
    }

    [Theory]
    [InlineData("17.0.0.1", 5, true)]
    [InlineData("17.0.0.2", 5, false)]
    [InlineData("17.0.0.1", 6, false)]
    public async Task An_amendment_that_holds_only_while_an_event_is_unresolved_is_left_out_once_it_reads_otherwise(string address, int at, bool holds)
    {
        var unresolved = Event("a") with { UserId = null, Time = Some.Time("5"), Attribution = new Attribution(AttributionRule.Unresolved, null, "17.0.0.1") };
        await CommitAsync(new Append { Entries = [unresolved] });
        var late = new Amendment { Target = 1, At = T0, By = "late", UserId = "A", Attribution = Attribution.FromRecord, Only = new UnresolvedAs(address, Some.Time($"{at}")) };
        // The second of the two comes when the first has found somebody.
        var result = (await CommitAsync(new Append { Entries = [late, late with { UserId = "B" }, Event("b")] }))[0];
        result.Entries.Select(entry => entry.Status).ShouldBe([holds ? EntryStatus.Created : EntryStatus.Moot, EntryStatus.Moot, EntryStatus.Created]);
        result.Entries[1].Sequence.ShouldBe(1);
        Store.Head.ShouldBe(holds ? 3 : 2);
        await ReopenAsync();
        (await Store.FindAsync(1, default))!.UserId.ShouldBe(holds ? "A" : null);
        (await Store.ListUnresolvedAsync("17.0.0.1", 0, 10, default)).Count.ShouldBe(holds ? 0 : 1);
    }

    /// <summary>Told version by version, each would be gone through again for the next.</summary>
    [Fact]
    public async Task An_event_may_have_thousands_of_versions()
    {
        await CommitAsync(new Append { Entries = [Event("a")] });
        for (var i = 0; i < 2; i++)
            await CommitAsync(new Append { Entries = [.. Enumerable.Range(0, 4_000).Select(n => Amend(1, Newer() with { Fingerprint = n, UserId = $"u {n % 7}" }))] });
        await ReopenAsync();
        (await Store.FindAsync(1, default))!.Fingerprint.ShouldBe(3_999);
        var found = await Store.QueryAsync(new EventQuery { Filter = new() { UserIds = [$"u {3_999 % 7}"] } }, default);
        found.Events.Single().Event.Fingerprint.ShouldBe(3_999);
        (await Store.QueryAsync(new EventQuery { Ceiling = 3 }, default)).Events.Single().Event.Fingerprint.ShouldBe(1);
        (await Store.ReadAsync(0, 10_000, default)).Count.ShouldBe(8_001);
    }

    private static void Same(Entry actual, Amendment expected)
    {
        var amendment = actual.ShouldBeOfType<Amendment>();
        amendment.Revision!.Data.ToString().ShouldBe(expected.Revision!.Data.ToString());
        (amendment with { Revision = amendment.Revision with { Data = expected.Revision.Data } }).ShouldBe(expected);
    }
}
