using System.Text;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

public sealed class RecordReaderTests
{
    private const string Good = """{"timestamp":1629254311.8207245,"priority":"low"}""";
    private readonly FakeTimeProvider _time = new();
    private readonly IdentityDirectory _directory = new();
    private readonly Countries _countries = new();

    [Theory]
    [InlineData("[" + Good + "]")]
    [InlineData("\uFEFF[" + Good + "]")]
    [InlineData(" \r\n\t[" + Good + "]\n\n")]
    public void A_byte_order_mark_and_white_space_do_no_harm(string body)
    {
        var e = Read(body).Page.ShouldNotBeNull().Events.ShouldHaveSingleItem();
        e.Data.ToString().ShouldBe(Good);
        e.Time.ToUnixSeconds().ShouldBe("1629254311.8207245");
        e.ReceivedAt.ShouldBe(_time.GetUtcNow());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    [InlineData("\uFEFF")]
    [InlineData("\uFEFF\uFEFF[]")]
    [InlineData("<html><body>maintenance</body></html>")]
    [InlineData("[NaN]")]
    [InlineData("[Infinity]")]
    [InlineData("[1,]")]
    [InlineData("[1] [2]")]
    [InlineData("[01]")]
    [InlineData("['a']")]
    [InlineData("// no comment\n[]")]
    [InlineData("[{\"a\":1}")]
    [InlineData("[\"a\u0001\"]")]
    [InlineData("null,")]
    [InlineData("undefined")]
    public void What_is_no_JSON_fails_as_a_whole_and_is_asked_for_again(string body)
    {
        var failure = Read(body).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Malformed, true));
        failure.Message.Length.ShouldBeLessThan(300);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("\"[]\"")]
    [InlineData("{\"results\":[]}")]
    public void Records_that_are_not_where_the_file_says_are_a_failure_that_names_the_place(string body) =>
        Read(body).Failure.ShouldNotBeNull().Message.ShouldContain("\".\"");

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"results\":{}}")]
    [InlineData("{\"results\":null}")]
    [InlineData("{\"Results\":[]}")]
    [InlineData("{\"results\":{\"results\":[]}}")]
    public void So_are_records_below_a_path_that_is_wrong(string body) =>
        Read(body, "records: results").Failure.ShouldNotBeNull().Message.ShouldContain("\"results\"");

    [Fact]
    public void JSON_too_deep_is_a_failure_and_no_crash()
    {
        Read($"[{new string('[', 63)}{new string(']', 63)}]").Page.ShouldNotBeNull().Rejects.Count.ShouldBe(1);
        Read($"[{new string('[', 64)}{new string(']', 64)}]").Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Malformed);
        Read(new string('[', 1_000_000)).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Malformed);
        Read(string.Concat(Enumerable.Repeat("{\"a\":", 500_000))).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Malformed);
    }

    [Fact]
    public void What_is_wrong_with_one_record_is_its_own()
    {
        byte[] body =
        [
            .. "["u8, .. Encoding.UTF8.GetBytes(Good), .. ",{\"timestamp\":1,\"x\":\""u8, 0xFF, 0xC0, .. "\"},"u8,
            .. "{\"timestamp\":1,\"x\":\"\\ud800\"},{\"timestamp\":1,\"x\":1,\"x\":2},{\"timestamp\":1,\"\\udc00\":1},{\"timestamp\":1,\"a\":{\"b\":1,\"\\u0062\":2}},"u8,
            .. "null,7,\"text\",[],{},{\"timestamp\":\"soon\"},{\"timestamp\":2}]"u8,
        ];
        var page = Read(body).Page.ShouldNotBeNull();
        page.Events.Select(e => e.Data.ToString()).ShouldBe([Good, "{\"timestamp\":2}"]);
        page.Rejects.Count.ShouldBe(11);
        page.Records.ShouldBe(13);
        page.Rejects.Select(reject => reject.Reason).Take(5).ShouldBe(
        [
            "the record's text is not valid UTF-8", "a text in the record is not valid Unicode", "a name stands twice in the record",
            "a text in the record is not valid Unicode", "a name stands twice in the record",
        ]);
        page.Rejects.ShouldAllBe(reject => reject.Request == "/incidents/");
    }

    [Fact]
    public void A_name_that_stands_twice_outside_of_the_records_harms_none() =>
        Read($$"""{"count":1,"count":2,"results":[{{Good}}]}""", "records: results").Page.ShouldNotBeNull().Events.Count.ShouldBe(1);

    [Fact]
    public void A_record_is_taken_up_to_a_megabyte_and_kept_aside_above()
    {
        string Record(int bytes) => $$"""{"timestamp":1,"x":"{{new string('x', bytes - 22)}}"}""";
        Record(1 << 20).Length.ShouldBe(1 << 20);
        var page = Read($"[{Record(1 << 20)},{Record((1 << 20) + 1)}]").Page.ShouldNotBeNull();
        page.Events.ShouldHaveSingleItem().Data.Utf8.Length.ShouldBe(1 << 20);
        page.Rejects.ShouldHaveSingleItem().Reason.ShouldContain("larger than");
    }

    [Fact]
    public void Equal_records_of_one_answer_are_two_events_and_the_same_two_on_the_next_poll()
    {
        var spelled = """{ "priority" : "low", "timestamp" : 1629254311.8207245 }""";
        var first = Ids($"[{Good},{Good},{spelled}]");
        first.Distinct().Count().ShouldBe(3);
        Ids($"[{spelled},{Good},{Good}]").ShouldBe(first);
        Ids($"[{Good}]").ShouldBe(first.Take(1));
    }

    [Fact]
    public void The_order_in_which_an_upstream_tells_does_not_matter()
    {
        var random = new Random(5);
        var records = Enumerable.Range(0, 50).Select(i => $$"""{"timestamp":{{i % 20}},"priority":"low"}""").ToArray();
        var ids = Ids($"[{string.Join(',', records)}]");
        ids.Distinct().Count().ShouldBe(50);
        for (var i = 0; i < 5; i++)
        {
            random.Shuffle(records);
            Ids($"[{string.Join(',', records)}]").ShouldBe(ids, ignoreOrder: true);
        }
    }

    [Fact]
    public void A_better_map_makes_no_new_event_and_another_request_does()
    {
        var id = Ids($"[{Good}]")[0];
        Ids($"[{Good}]", "every: 5s", "{ time: timestamp, priority: priority, description: priority }")[0].ShouldBe(id);
        var two = Source("", "{ time: timestamp }", "[ { get: /a }, { get: /b } ]");
        var reader = Reader(two);
        var (answer, _) = Answer.Parse(Encoding.UTF8.GetBytes($"[{Good}]"));
        two.Requests.Select(request => reader.Read(answer!, request).Page!.Events[0].Id).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public void An_id_of_the_upstreams_own_makes_a_repeat_known_whatever_else_changes()
    {
        const string map = "{ external_id: id, time: timestamp }";
        var page = Read("""[{"id":7,"timestamp":1},{"id":"7","timestamp":2},{"id":8,"timestamp":1},{"timestamp":1},{"id":"\ud800","timestamp":1},{"id":null,"timestamp":1}]""", map: map).Page.ShouldNotBeNull();
        page.Events.Select(e => e.ExternalId).ShouldBe(["7", "7", "8"]);
        page.Events[0].Id.ShouldBe(page.Events[1].Id);
        page.Events[0].Fingerprint.ShouldNotBe(page.Events[1].Fingerprint);
        page.Events[0].Id.ShouldNotBe(page.Events[2].Id);
        page.Rejects.Count.ShouldBe(3);
    }

    [Fact]
    public void Numbers_keep_every_digit_and_records_every_byte()
    {
        const string record = """{"timestamp":1,"n":12345678901234567890.10,"e":1E+400, "é":"\u00e9" , "z":-0.0}""";
        Read($"[ {record} ]").Page.ShouldNotBeNull().Events.Single().Data.ToString().ShouldBe(record);
    }

    [Fact]
    public void A_person_is_looked_up_where_the_map_says_and_nowhere_else()
    {
        foreach (var change in _directory.Observe("example", new Dictionary<string, string>(StringComparer.Ordinal) { ["1.2.3.4"] = "4506", ["17"] = "wrong" }, _time.GetUtcNow()))
            _directory.Apply(change);
        var page = Read("""
            [{"timestamp":1,"who":"1.2.3.4"},{"timestamp":2,"who":17},{"timestamp":3,"who":"::ffff:1.2.3.4"},{"timestamp":4,"who":"9.9.9.9"},
             {"timestamp":5,"source_ip":"1.2.3.4"},{"timestamp":6,"who":true},{"timestamp":7,"who":""},{"timestamp":8,"who":{"a":1}},{"timestamp":9,"who":1.0}]
            """, map: "{ time: timestamp, user_id: who, src_ip: source_ip }").Page.ShouldNotBeNull();
        page.Events.Select(e => (e.UserId, e.Attribution.Rule)).ShouldBe(
        [
            ("4506", AttributionRule.Identity), ("17", AttributionRule.Record), ("4506", AttributionRule.Identity), (null, AttributionRule.Unresolved),
            (null, AttributionRule.None), (null, AttributionRule.None), (null, AttributionRule.None), (null, AttributionRule.None), ("1.0", AttributionRule.Record),
        ]);
    }

    [Fact]
    public void Random_bytes_never_crash_the_reader()
    {
        var random = new Random(11);
        var seed = Encoding.UTF8.GetBytes("[" + Good + """,{"timestamp":"2021-08-18T02:38:31Z","a":{"b":["\u00e9",1e5,null,true]}},""" + Good + "]");
        for (var i = 0; i < 3000; i++)
        {
            var body = seed.ToArray();
            for (var j = random.Next(1, 5); j > 0; j--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
            var (page, failure) = Read(body);
            (page is null).ShouldBe(failure is not null);
            page?.Records.ShouldBeGreaterThanOrEqualTo(0);
        }
    }

    [Fact]
    public void An_answer_of_too_many_values_is_refused_before_the_parser_pays_for_them()
    {
        var body = new byte[12_000_001];
        "{},"u8.CopyTo(body.AsSpan(1));
        for (var filled = 4; filled < body.Length; filled += Math.Min(filled - 1, body.Length - filled))
            body.AsSpan(1, Math.Min(filled - 1, body.Length - filled)).CopyTo(body.AsSpan(filled));
        (body[0], body[^1]) = ((byte)'[', (byte)']');
        var failure = Read(body).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.TooLarge, false));
    }

    [Fact]
    public void No_more_rejects_are_held_than_can_be_kept_and_the_others_are_counted()
    {
        var page = Read($"[{string.Join(',', Enumerable.Range(0, RejectStore.MaxKept + 7))}]").Page.ShouldNotBeNull();
        (page.Rejects.Count, page.MoreRejects, page.Records).ShouldBe((RejectStore.MaxKept, 7, RejectStore.MaxKept + 7));
    }

    [Fact]
    public void A_record_has_the_country_of_the_remote_party()
    {
        _countries.Database = CountryDatabase.Read(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "geo/country.mmdb"))).Database.ShouldNotBeNull();

        Read("""[{"timestamp":1,"s":"10.0.0.1","d":"8.8.8.8"},{"timestamp":2,"s":"1.1.1.1","d":"192.168.0.1"},{"timestamp":3,"s":"10.0.0.1"}]""",
            map: "{ time: timestamp, src_ip: s, dst_ip: d }").Page!.Events.Select(e => e.Country).ShouldBe(["US", "AU", null]);
    }

    private static SourceDefinition Source(string more, string map, string? requests = null)
    {
        var yaml = SomeSource.Yaml(more, map);
        return SomeSource.Valid(requests is null ? yaml : yaml.Replace("[ { get: /incidents/ } ]", requests, StringComparison.Ordinal));
    }

    private RecordReader Reader(SourceDefinition source) => new(source, new DedupeKey(new JournalInfo("test", "", Guid.Empty, new byte[32])), _directory, _countries, _time);

    private (RecordPage? Page, FetchFailure? Failure) Read(string body, string more = "", string map = "{ time: timestamp }") => Read(Encoding.UTF8.GetBytes(body), more, map);

    private (RecordPage? Page, FetchFailure? Failure) Read(byte[] body, string more = "", string map = "{ time: timestamp }")
    {
        var (answer, failure) = Answer.Parse(body);
        if (answer is null)
            return (null, failure);
        using (answer)
        {
            var source = Source(more, map);
            return Reader(source).Read(answer, source.Requests[0]);
        }
    }

    private EventId[] Ids(string body, string more = "", string map = "{ time: timestamp }") => [.. Read(body, more, map).Page!.Events.Select(e => e.Id)];
}
