using System.Text;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class FieldMapTests
{
    private const string T = "\"t\":1629254311.8207245";

    [Theory]
    [InlineData("denial", """{"priority":"critical","reported_by":325375,"timestamp":1629254311.8207245,"source_ip":"112.248.31.181"}""", "325375", true, Priority.Critical, "112.248.31.181")]
    [InlineData("intrusion", """{"priority":"medium","internal_ip":"17.135.62.254","source_ip":"10.149.96.234","timestamp":1629255176.7404768}""", "17.135.62.254", false, Priority.Medium, "10.149.96.234")]
    [InlineData("executable", """{"priority":"high","machine_ip":"17.200.73.34","timestamp":1629254557.4233837}""", "17.200.73.34", false, Priority.High, null)]
    [InlineData("misuse", """{"priority":"medium","employee_id":493169,"timestamp":1629256241.5373266}""", "493169", true, Priority.Medium, null)]
    [InlineData("unauthorized", """{"priority":"low","employee_id":715512,"timestamp":1629255624.2345}""", "715512", true, Priority.Low, null)]
    [InlineData("probing", """{"priority":"high","ip":"17.152.223.220","timestamp":1629257321.4489486}""", "17.152.223.220", false, Priority.High, null)]
    [InlineData("other", """{"priority":"critical","identifier":727929,"timestamp":1629256473.8273933}""", "727929", true, Priority.Critical, null)]
    [InlineData("other", """{"priority":"critical","identifier":"17.22.1.9","timestamp":1629256473.8273933}""", "17.22.1.9", false, Priority.Critical, null)]
    public void The_incident_feeds_are_understood(string type, string record, string who, bool whoIsId, Priority priority, string? srcIp)
    {
        var source = SourceFile.Read(Path.Combine(AppContext.BaseDirectory, "sources", "elevate.yaml"), SomeSource.Secrets).Source.ShouldNotBeNull();

        var mapped = new FieldMap(source).Map(SomeSource.Json(record), source.Requests.Single(request => request.Set["type"] == type)).Mapped.ShouldNotBeNull();

        var time = SomeSource.Json(record).GetProperty("timestamp").GetRawText();
        mapped.Time.ToUnixSeconds().ShouldBe(time);
        mapped.ShouldBe(new MappedRecord { Type = type, Time = mapped.Time, Who = who, WhoIsId = whoIsId, Priority = priority, SrcIp = srcIp });
    }

    private const string Alerts = """
        [
          { when: { source: [waf, swg, nac, api_gateway, load_balancer] }, external_id: alertId, type: { set: alert }, device: source, time: timestamp,
            priority: { from: criticality, values: { 1: low, 2: medium, 3: high, 4: critical }, else: low },
            description: summary, user_id: sourceAddress, src_ip: sourceAddress, dst_ip: destinationAddress },
          { external_id: id, type: { set: alert }, device: source, time: created_at, priority: severity, description: description,
            user_id: src_ip, src_ip: src_ip, dst_ip: dst_ip } ]
        """;

    [Fact]
    public void The_alert_feeds_standard_format_is_understood() =>
        SomeSource.Mapped(Alerts, """{"id":"a-1","source":"firewall","severity":"high","description":"d","src_ip":"10.0.0.5","dst_ip":"8.8.8.8","created_at":"2024-05-01T12:00:00.5Z"}""")
            .ShouldBe(new MappedRecord
            {
                ExternalId = "a-1", Type = "alert", Device = "firewall", Priority = Priority.High, Time = At("2024-05-01T12:00:00.5Z"), Who = "10.0.0.5",
                Description = "d", SrcIp = "10.0.0.5", DstIp = "8.8.8.8",
            });

    [Theory]
    [InlineData("4", Priority.Critical)]
    [InlineData("\"4\"", Priority.Critical)]
    [InlineData("99", Priority.Low)]
    [InlineData("{}", Priority.Low)]
    public void The_alert_feeds_legacy_format_is_understood(string criticality, Priority priority) =>
        SomeSource.Mapped(Alerts, $$"""{"alertId":17,"source":"waf","criticality":{{criticality}},"summary":"s","sourceAddress":"10.0.0.5","destinationAddress":"8.8.8.8","timestamp":"2024-05-01T12:00:00Z"}""")
            .ShouldBe(new MappedRecord
            {
                ExternalId = "17", Type = "alert", Device = "waf", Priority = priority, Time = At("2024-05-01T12:00:00Z"), Who = "10.0.0.5",
                Description = "s", SrcIp = "10.0.0.5", DstIp = "8.8.8.8",
            });

    [Theory]
    [InlineData("""{"a":1,"b":{"c":["x","y"]}}""", "both")]
    [InlineData("""{"a":"1","b":{"c":["x","y"]}}""", "both")]
    [InlineData("""{"a":1}""", "one")]
    [InlineData("""{"a":true}""", "flag")]
    public void The_first_entry_whose_conditions_all_hold_is_used(string record, string type) =>
        SomeSource.Mapped("[ { when: { a: 1, \"b.c[1]\": [y, z] }, type: { set: both }, time: t }, { when: { a: 1 }, type: { set: one }, time: t }, " +
            "{ when: { a: \"true\" }, type: { set: flag }, time: t } ]", record.Insert(1, T + ",")).Type.ShouldBe(type);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"a":null}""")]
    [InlineData("""{"a":[1]}""")]
    [InlineData("""{"a":1.0}""")]
    public void A_record_that_no_entry_matches_is_rejected(string record) =>
        SomeSource.Map("[ { when: { a: 1 }, time: t } ]", record).RejectReason.ShouldBe("no map entry matches");

    [Theory]
    [InlineData("[1]", "the record is not an object: [1]")]
    [InlineData("null", "the record is not an object: null")]
    [InlineData("{}", "time is absent: t, u")]
    [InlineData("""{"t":null}""", "time is absent: t, u")]
    [InlineData("""{"t":true}""", "time is neither RFC 3339 nor Unix seconds: true")]
    [InlineData("""{"t":[1]}""", "time is neither RFC 3339 nor Unix seconds: [1]")]
    [InlineData("""{"t":1e300}""", "time is neither RFC 3339 nor Unix seconds: 1e300")]
    [InlineData("""{"t":"yesterday"}""", "time is neither RFC 3339 nor Unix seconds: \"yesterday\"")]
    [InlineData("""{"t":""}""", "time is neither RFC 3339 nor Unix seconds: \"\"")]
    [InlineData("""{"t":"NaN"}""", "time is neither RFC 3339 nor Unix seconds: \"NaN\"")]
    public void A_record_without_a_usable_time_is_rejected(string record, string reason) =>
        SomeSource.Map("{ time: [t, u] }", record).RejectReason.ShouldBe(reason);

    [Theory]
    [InlineData("1629254311.8207245", "2021-08-18T02:38:31.8207245Z")]
    [InlineData("\"1629254311.50\"", "2021-08-18T02:38:31.50Z")]
    [InlineData("\"2021-08-18T04:38:31.5+02:00\"", "2021-08-18T02:38:31.5Z")]
    [InlineData("1629254311000", "2021-08-18T02:38:31.000Z")]
    public void A_time_is_RFC_3339_or_Unix_seconds_also_as_text(string time, string expected) =>
        SomeSource.Mapped("{ time: t }", $"{{\"t\":{time}}}").Time.ToString().ShouldBe(expected);

    [Fact]
    public void An_empty_text_says_nothing_so_the_next_path_has_its_turn()
    {
        const string Map = "{ time: t, type: [a, b], device: [a, b], description: [a, b], src_ip: [a, b], dst_ip: [a, b] }";
        var second = SomeSource.Mapped(Map, WithTime("""{"a":"","b":"x"}"""));
        (second.Type, second.Device, second.Description, second.SrcIp, second.DstIp).ShouldBe(("x", "x", "x", "x", "x"));
        var none = SomeSource.Mapped(Map, WithTime("""{"a":"","b":""}"""), "{ device: d }");
        (none.Type, none.Device, none.Description, none.SrcIp, none.DstIp).ShouldBe(("example", "d", null, null, null));
        SomeSource.Mapped("{ time: t, device: [a, b] }", WithTime("""{"a":0,"b":"x"}""")).Device.ShouldBe("0");
        SomeSource.Mapped("{ time: t, device: { from: a, values: { \"\": unnamed } } }", WithTime("""{"a":""}""")).Device.ShouldBe("unnamed", "a table may say what it means");
    }

    [Theory]
    [InlineData("{}", "external_id is absent: id")]
    [InlineData("""{"id":null}""", "external_id is absent: id")]
    [InlineData("""{"id":{"a":1}}""", "external_id is neither text nor number: {\"a\":1}")]
    [InlineData("""{"id":true}""", "external_id is neither text nor number: true")]
    [InlineData("""{"id":""}""", "external_id must have 1 to 512 characters: \"\"")]
    public void A_mapped_id_must_be_there(string record, string reason) =>
        SomeSource.Map("{ time: t, external_id: id }", WithTime(record)).RejectReason.ShouldBe(reason);

    [Theory]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    [InlineData("1.50", "1.50")]
    [InlineData("\"0042\"", "0042")]
    public void An_id_keeps_every_digit(string id, string expected) =>
        SomeSource.Mapped("{ time: t, external_id: id, user_id: id }", $"{{{T},\"id\":{id}}}").ShouldSatisfyAllConditions(
            mapped => mapped.ExternalId.ShouldBe(expected),
            mapped => mapped.Who.ShouldBe(expected));

    [Fact]
    public void An_id_of_more_than_512_characters_is_rejected_with_the_beginning_of_it()
    {
        SomeSource.Mapped("{ time: t, external_id: id }", $"{{{T},\"id\":\"{new string('x', 512)}\"}}").ExternalId!.Length.ShouldBe(512);
        var reason = SomeSource.Map("{ time: t, external_id: id }", $"{{{T},\"id\":\"{new string('x', 513)}\"}}").RejectReason.ShouldNotBeNull();
        reason.ShouldStartWith("external_id must have 1 to 512 characters: \"xxx");
        reason.Length.ShouldBeLessThan(260);
    }

    [Theory]
    [InlineData("{}", "{}", "example")]
    [InlineData("{}", "{ type: feed }", "feed")]
    [InlineData("""{"a":"own"}""", "{ type: feed }", "own")]
    [InlineData("""{"a":7}""", "{ type: feed }", "7")]
    [InlineData("""{"a":null,"b":"second"}""", "{ type: feed }", "second")]
    [InlineData("""{"a":{}}""", "{ type: feed }", "feed")]
    public void A_type_is_the_maps_then_the_requests_then_the_sources_name(string record, string set, string type) =>
        SomeSource.Mapped("{ time: t, type: [a, b] }", WithTime(record), set).Type.ShouldBe(type);

    [Fact]
    public void A_type_that_is_too_long_is_rejected() =>
        SomeSource.Map("{ time: t, type: a }", $"{{{T},\"a\":\"{new string('x', 201)}\"}}").RejectReason.ShouldNotBeNull()
            .ShouldStartWith("type must have 1 to 200 characters, found \"");

    [Theory]
    [InlineData("""{"p":"CRITICAL"}""", Priority.Critical, false)]
    [InlineData("{}", Priority.None, false)]
    [InlineData("""{"p":null}""", Priority.None, false)]
    [InlineData("""{"p":"urgent"}""", Priority.None, true)]
    [InlineData("""{"p":""}""", Priority.None, true)]
    [InlineData("""{"p":3}""", Priority.None, true)]
    [InlineData("""{"p":true}""", Priority.None, true)]
    [InlineData("""{"p":{"a":"low"}}""", Priority.None, true)]
    public void An_unknown_priority_keeps_the_event_and_is_marked(string record, Priority priority, bool unknown) =>
        PriorityBy("priority: p", record).ShouldBe((priority, unknown));

    [Theory]
    [InlineData("priority: { from: p, values: { 1: low } }", """{"p":1}""", Priority.Low, false)]
    [InlineData("priority: { from: p, values: { 1: low } }", """{"p":2}""", Priority.None, true)]
    [InlineData("priority: { from: p, values: { 1: low }, else: high }", """{"p":2}""", Priority.High, false)]
    [InlineData("priority: { from: p, values: { 1: low }, else: high }", """{"p":[]}""", Priority.High, false)]
    [InlineData("priority: { from: p, values: { 1: low }, else: high }", "{}", Priority.None, false)]
    [InlineData("priority: { from: p, else: high }", """{"p":"urgent"}""", Priority.High, false)]
    [InlineData("priority: { from: [q, p], values: { a: low } }", """{"q":null,"p":"a"}""", Priority.Low, false)]
    [InlineData("priority: { set: medium }", """{"p":"low"}""", Priority.Medium, false)]
    public void A_priority_is_translated(string rule, string record, Priority priority, bool unknown) => PriorityBy(rule, record).ShouldBe((priority, unknown));

    [Theory]
    [InlineData("{}", Priority.High, false)]
    [InlineData("""{"p":"low"}""", Priority.Low, false)]
    [InlineData("""{"p":"urgent"}""", Priority.None, true)]
    public void A_requests_priority_stands_in_for_an_absent_one_only(string record, Priority priority, bool unknown)
    {
        var mapped = SomeSource.Mapped("{ time: t, priority: p }", WithTime(record), "{ priority: high }");
        (mapped.Priority, mapped.UnknownPriority).ShouldBe((priority, unknown));
    }

    [Theory]
    [InlineData("""{"a":386255}""", "386255", true)]
    [InlineData("""{"a":"386255"}""", "386255", false)]
    [InlineData("""{"a":"","b":"17.0.0.1"}""", "17.0.0.1", false)]
    [InlineData("""{"a":true,"b":5}""", "5", true)]
    [InlineData("""{"a":{},"b":null}""", null, false)]
    [InlineData("{}", null, false)]
    public void A_person_is_the_first_text_or_number(string record, string? who, bool isId) =>
        SomeSource.Mapped("{ time: t, user_id: [a, b] }", WithTime(record)).ShouldSatisfyAllConditions(
            mapped => mapped.Who.ShouldBe(who),
            mapped => mapped.WhoIsId.ShouldBe(isId));

    [Fact]
    public void A_request_can_say_everything_that_records_leave_out() =>
        SomeSource.Mapped("{ time: t, device: d }", $"{{{T},\"d\":{{}}}}", "{ device: ids, priority: low, user_id: ops, src_ip: 1.2.3.4, dst_ip: 4.3.2.1, description: x }").ShouldBe(
            new MappedRecord
            {
                Type = "example", Time = At("2021-08-18T02:38:31.8207245Z"), Device = "ids", Priority = Priority.Low, Who = "ops",
                SrcIp = "1.2.3.4", DstIp = "4.3.2.1", Description = "x",
            });

    [Theory]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a\ud800b":1,"a":"x"}""")]
    public void A_text_that_is_no_Unicode_never_throws(string record) =>
        Should.NotThrow(() => SomeSource.Map("{ time: t, type: a, external_id: a }", WithTime(record)));

    [Fact]
    public void A_lone_surrogate_in_a_mapped_field_is_a_reject() =>
        SomeSource.Map("{ time: t, type: a }", WithTime("""{"a":"\ud800"}""")).RejectReason.ShouldBe("a text in the record is not valid Unicode");

    [Fact]
    public void A_reason_is_never_cut_inside_a_character()
    {
        var reason = SomeSource.Map("{ time: t }", $"\"{string.Concat(Enumerable.Repeat("😀", 200))}\"").RejectReason.ShouldNotBeNull();
        Should.NotThrow(() => new UTF8Encoding(false, true).GetBytes(reason));
    }

    private static (Priority, bool) PriorityBy(string rule, string record)
    {
        var mapped = SomeSource.Mapped($"{{ time: t, {rule} }}", WithTime(record));
        return (mapped.Priority, mapped.UnknownPriority);
    }

    private static string WithTime(string record) => record == "{}" ? $"{{{T}}}" : record.Insert(1, T + ",");

    private static EventTime At(string text)
    {
        EventTime.TryParse(text, out var time).ShouldBeTrue();
        return time;
    }
}
