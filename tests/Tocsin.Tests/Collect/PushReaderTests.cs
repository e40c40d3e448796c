using System.Text;
using Tocsin.Collect.Push;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

public sealed class PushReaderTests
{
    private static readonly PushReader Reader = new(new JournalInfo("test", "1", Guid.Empty, new byte[32]), name => name is "elevate" or "tocsin", new Countries());

    [Fact]
    public void Every_field_is_taken_as_it_was_given()
    {
        var e = One("""
            {"type":"account.created","external_id":"x-1","kind":"alert","source":"hr","device":"fw-1","priority":"HIGH","time":"2026-01-31T12:00:00.123456789+01:00",
             "user_id":"1234","description":"line\nline","src_ip":"10.0.0.1","dst_ip":"2001:DB8::1","data":{"b":1.0,"a":12345678901234567890}}
            """);

        e.Type.ShouldBe("account.created");
        e.ExternalId.ShouldBe("x-1");
        e.Id.IsKeyed.ShouldBeTrue();
        e.Kind.ShouldBe(EventKind.Alert);
        e.Source.ShouldBe("hr");
        e.Device.ShouldBe("fw-1");
        e.Priority.ShouldBe(Priority.High);
        e.Time.ToString().ShouldBe("2026-01-31T11:00:00.123456789Z");
        e.ReceivedAt.ShouldBe(Some.Instant);
        e.UserId.ShouldBe("1234");
        e.Attribution.ShouldBe(Attribution.FromRecord);
        e.Description.ShouldBe("line\nline");
        e.SrcIp.ShouldBe("10.0.0.1");
        e.DstIp.ShouldBe("2001:db8::1");
        e.Country.ShouldBeNull();
        e.Data.ToString().ShouldBe("""{"b":1.0,"a":12345678901234567890}""");
    }

    [Fact]
    public void What_is_left_out_or_null_has_its_default()
    {
        foreach (var json in new[] { """{"type":"x"}""", """{"type":"x","kind":null,"source":null,"priority":null,"time":null,"user_id":null,"external_id":null,"data":null,"src_ip":null}""" })
        {
            var e = One(json);
            e.Kind.ShouldBe(EventKind.Audit);
            e.Source.ShouldBe("sender");
            e.Priority.ShouldBe(Priority.None);
            e.Time.ToDateTimeOffset().ShouldBe(Some.Instant);
            e.UserId.ShouldBeNull();
            e.Attribution.ShouldBe(Attribution.Nobody);
            e.Data.IsEmpty.ShouldBeTrue();
            e.Id.IsKeyed.ShouldBeFalse();
            e.Id.Value.Version.ShouldBe(7);
            e.Fingerprint.ShouldBe(0);
        }
    }

    [Fact]
    public void Where_a_request_may_come_twice_every_event_has_an_id_to_be_known_by()
    {
        var keyed = new PushReader(new JournalInfo("test", "1", Guid.Empty, new byte[32]), _ => false, new Countries(), keyed: true);
        var events = keyed.Read("""[{"type":"x"},{"type":"x"}]"""u8, new PushCall("sender", false, null, Some.Instant)).Events.Cast<SecurityEvent>().ToArray();
        events.ShouldAllBe(e => e.Id.IsKeyed);
        events[0].Id.ShouldNotBe(events[1].Id);
        // Still ordered by when it was received: its first 48 bits are those of a version 7.
        events.ShouldAllBe(e => e.Id.ToString().StartsWith(EventId.Create(Some.Instant).ToString().Substring(0, 13)));
    }

    [Theory]
    [InlineData("""{"event_type":"x"}""", "x", null, "null", Priority.None)]
    [InlineData("""{"type":"x","employee_id":"7"}""", "x", "7", "null", Priority.None)]
    [InlineData("""{"type":"x","user":7}""", "x", "7", "null", Priority.None)]
    [InlineData("""{"type":"x","user":7.50}""", "x", "7.50", "null", Priority.None)]
    [InlineData("""{"type":"x","variant_data":[1]}""", "x", null, "[1]", Priority.None)]
    [InlineData("""{"type":"x","severity":"low"}""", "x", null, "null", Priority.Low)]
    [InlineData("""{"type":"x","criticality":4}""", "x", null, "null", Priority.Critical)]
    [InlineData("""{"type":"x","event_type":"x"}""", "x", null, "null", Priority.None)]
    [InlineData("""{"type":null,"event_type":"x"}""", "x", null, "null", Priority.None)]
    [InlineData("""{"\u0074ype":"\u0078"}""", "x", null, "null", Priority.None)]
    [InlineData("""{"type":"x","data":{"a":[1],"b":2},"variant_data":{"b":2, "\u0061":[1]}}""", "x", null, """{"a":[1],"b":2}""", Priority.None)]
    [InlineData("""{"b":1.00,"type":"x", "a b" : {"c": [ 1 ]} }""", "x", null, """{"b":1.00,"a b":{"c": [ 1 ]}}""", Priority.None)]
    [InlineData("""{"type":"x","data":null,"n":null}""", "x", null, """{"n":null}""", Priority.None)]
    public void A_field_has_several_names_and_other_members_become_data(string json, string type, string? userId, string data, Priority priority)
    {
        var e = One(json);
        e.Type.ShouldBe(type);
        e.UserId.ShouldBe(userId);
        e.Priority.ShouldBe(priority);
        e.Data.ToString().ShouldBe(data == "null" ? "" : data);
    }

    [Theory]
    [InlineData("\"2026-01-31T12:00:00Z\"", "2026-01-31T12:00:00Z")]
    [InlineData("1629254311.8207245", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("\"1629254311.8207245\"", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("1629254311820", "2021-08-18T02:38:31.820Z")]
    [InlineData("-1", "1969-12-31T23:59:59Z")]
    public void A_time_keeps_its_digits(string time, string expected)
    {
        foreach (var name in new[] { "time", "timestamp", "created_at" })
            One($$"""{"type":"x","{{name}}":{{time}}}""").Time.ToString().ShouldBe(expected);
    }

    [Theory]
    [InlineData("{}", "/type", "required")]
    [InlineData("""{"type":null}""", "/type", "required")]
    [InlineData("""{"type":""}""", "/type", "invalid")]
    [InlineData("""{"type":7}""", "/type", "invalid")]
    [InlineData("""{"event_type":[]}""", "/event_type", "invalid")]
    [InlineData("""{"type":"a\u0000b"}""", "/type", "invalid")]
    [InlineData("""{"type":"tocsin.token.created"}""", "/type", "reserved_type")]
    [InlineData("""{"type":"Tocsin.x"}""", "/type", "reserved_type")]
    [InlineData("""{"type":"x","source":"elevate"}""", "/source", "reserved_source")]
    [InlineData("""{"type":"x","source":"tocsin"}""", "/source", "reserved_source")]
    [InlineData("""{"type":"x","kind":"Audit"}""", "/kind", "invalid")]
    [InlineData("""{"type":"x","priority":"urgent"}""", "/priority", "invalid")]
    [InlineData("""{"type":"x","severity":5}""", "/severity", "invalid")]
    [InlineData("""{"type":"x","criticality":1.0}""", "/criticality", "invalid")]
    [InlineData("""{"type":"x","time":"yesterday"}""", "/time", "invalid")]
    [InlineData("""{"type":"x","timestamp":true}""", "/timestamp", "invalid")]
    [InlineData("""{"type":"x","time":"2026-01-31T12:00:60Z"}""", "/time", "invalid")]
    [InlineData("""{"type":"x","time":"2026-01-31T12:00:00"}""", "/time", "invalid")]
    [InlineData("""{"type":"x","time":1e30}""", "/time", "invalid")]
    [InlineData("""{"type":"x","user_id":""}""", "/user_id", "invalid")]
    [InlineData("""{"type":"x","user":true}""", "/user", "invalid")]
    [InlineData("""{"type":"x","id":{}}""", "/id", "invalid")]
    [InlineData("""{"type":"x","description":5}""", "/description", "invalid")]
    [InlineData("""{"type":"x","src_ip":"010.0.0.1"}""", "/src_ip", "invalid")]
    [InlineData("""{"type":"x","dst_ip":"example.com"}""", "/dst_ip", "invalid")]
    [InlineData("""{"type":"x","dst_ip":"fe80::1%eth0"}""", "/dst_ip", "invalid")]
    [InlineData("""{"type":"x","event_type":"y"}""", "/event_type", "conflicting_names")]
    [InlineData("""{"type":"x","data":1,"variant_data":1.0}""", "/variant_data", "conflicting_names")]
    [InlineData("""{"type":"x","data":1,"a/b~c":2}""", "/a~1b~0c", "unknown_field")]
    [InlineData("7", "", "invalid")]
    [InlineData("\"x\"", "", "invalid")]
    [InlineData("null", "", "invalid")]
    public void A_mistake_is_named_by_its_place_and_its_rule(string json, string pointer, string code)
    {
        var one = Read(json).Refusal.ShouldNotBeNull();
        one.Kind.ShouldBe(code.StartsWith("reserved", StringComparison.Ordinal) ? PushRefusalKind.Forbidden : PushRefusalKind.Invalid);
        one.Errors.ShouldHaveSingleItem().ShouldSatisfyAllConditions(error => error.Pointer.ShouldBe(pointer), error => error.Code.ShouldBe(code), error => error.Detail.ShouldNotBeEmpty());

        foreach (var batch in new[] { Read($$"""[{"type":"good"},{{json}}]"""), Read($"{{\"type\":\"good\"}}\n{json}\n", lines: true) })
        {
            batch.Events.ShouldHaveSingleItem();
            var reject = batch.Rejects.ShouldHaveSingleItem();
            reject.Index.ShouldBe(1);
            reject.Errors.ShouldHaveSingleItem().Pointer.ShouldBe("/events/1" + pointer);
        }
    }

    [Fact]
    public void Every_mistake_of_an_event_is_named_up_to_a_bound()
    {
        Read("""{"kind":"x","priority":"y","time":"z"}""").Refusal!.Errors.Select(error => error.Pointer).ShouldBe(["/type", "/kind", "/priority", "/time"]);
        var many = string.Concat(Enumerable.Range(0, 50).Select(i => $",\"u{i}\":1"));
        Read($$"""{"type":"x","data":1{{many}}}""").Refusal!.Errors.Count.ShouldBe(PushLimits.MaxErrorsPerEvent);
    }

    [Theory]
    [InlineData("type", PushLimits.MaxTypeCharacters)]
    [InlineData("external_id", PushLimits.MaxExternalIdCharacters)]
    [InlineData("user_id", PushLimits.MaxUserIdCharacters)]
    [InlineData("source", PushLimits.MaxNameCharacters)]
    [InlineData("device", PushLimits.MaxNameCharacters)]
    [InlineData("description", PushLimits.MaxDescriptionCharacters)]
    public void A_text_may_be_as_long_as_its_bound_and_no_longer(string field, int max)
    {
        string Json(int length) => field == "type" ? $$"""{"type":"{{new string('é', length)}}"}""" : $$"""{"type":"x","{{field}}":"{{new string('é', length)}}"}""";

        Read(Json(max)).Events.ShouldHaveSingleItem();
        Read(Json(max + 1)).Refusal!.Errors.ShouldHaveSingleItem().ShouldSatisfyAllConditions(error => error.Code.ShouldBe("too_long"), error => error.Pointer.ShouldBe("/" + field));
    }

    [Fact]
    public void Lines_may_end_in_any_way_and_blank_ones_do_not_count()
    {
        var batch = Read("\r\n{\"type\":\"a\"}\r\n\n  \t\r\n {\"type\":\"b\"} \n[]\n{\"type\":\"c\"}", lines: true);

        batch.IsBatch.ShouldBeTrue();
        batch.Events.Cast<SecurityEvent>().Select(e => e.Type).ShouldBe(["a", "b", "c"]);
        batch.Indexes.ShouldBe([0, 1, 3]);
        batch.Rejects.ShouldHaveSingleItem().Index.ShouldBe(2);
    }

    [Fact]
    public void The_shape_decides_what_is_a_batch()
    {
        Read("""{"type":"x"}""").IsBatch.ShouldBeFalse();
        Read("""[{"type":"x"}]""").IsBatch.ShouldBeTrue();
        Read("""{"type":"x"}""", lines: true).IsBatch.ShouldBeTrue();
    }

    [Theory]
    [InlineData("[]", false)]
    [InlineData(" [ ] ", false)]
    [InlineData("", true)]
    [InlineData("\n\r\n  \n", true)]
    public void An_empty_batch_is_refused(string body, bool lines) => Read(body, lines).Refusal.ShouldNotBeNull().Code.ShouldBe("empty_batch");

    [Fact]
    public void Of_a_batch_that_is_all_bad_each_place_is_named_up_to_a_bound()
    {
        var refusal = Read("[" + string.Join(',', Enumerable.Repeat("{}", 150)) + "]").Refusal.ShouldNotBeNull();
        refusal.Kind.ShouldBe(PushRefusalKind.Invalid);
        refusal.Errors.Count.ShouldBe(100);
        refusal.Errors[99].Pointer.ShouldBe("/events/99/type");
        refusal.Detail.ShouldContain("of 150");
    }

    [Fact]
    public void A_request_may_hold_as_many_events_as_an_append_and_no_more()
    {
        foreach (var lines in new[] { false, true })
        {
            Read(Body(PushLimits.MaxEvents), lines).Events.Count.ShouldBe(PushLimits.MaxEvents);
            var more = Read(Body(PushLimits.MaxEvents + 1), lines);
            more.Refusal.ShouldNotBeNull().Kind.ShouldBe(PushRefusalKind.TooLarge);
            more.Events.ShouldBeEmpty();

            string Body(int count) => lines ? string.Concat(Enumerable.Repeat("{\"type\":\"x\"}\n", count)) : $"[{string.Join(',', Enumerable.Repeat("{\"type\":\"x\"}", count))}]";
        }
    }

    [Fact]
    public void Ids_without_a_key_are_all_different_and_ordered_by_the_clock()
    {
        var ids = Read("[" + string.Join(',', Enumerable.Repeat("{\"type\":\"x\"}", 1000)) + "]").Events.Cast<SecurityEvent>().Select(e => e.Id).ToArray();
        ids.ShouldBeUnique();
        ids.ShouldAllBe(id => id.ToString().StartsWith(EventId.Create(Some.Instant).ToString().Substring(0, 13), StringComparison.Ordinal));
    }

    internal static PushBatch Read(string body, bool lines = false, string? key = null, string sender = "sender") => Read(Encoding.UTF8.GetBytes(body), lines, key, sender);

    internal static PushBatch Read(byte[] body, bool lines = false, string? key = null, string sender = "sender") =>
        Reader.Read(body, new PushCall(sender, lines, key, Some.Instant));

    private static SecurityEvent One(string json)
    {
        var batch = Read(json);
        batch.Refusal.ShouldBeNull(string.Join("; ", batch.Refusal?.Errors ?? []));
        return (SecurityEvent)batch.Events.ShouldHaveSingleItem();
    }
}
