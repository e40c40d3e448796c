using System.Buffers;
using System.Text;
using System.Text.Json;
using Tocsin.Projections;

namespace Tocsin.Tests.Projections;

public sealed class EventJsonTests
{
    [Fact]
    public void An_event_is_written_with_every_name_in_the_order_of_the_contract()
    {
        var full = Some.Event(time: "1629254311.50") with
        {
            ExternalId = "x", Device = "fw", Description = "d", SrcIp = "10.0.0.1", DstIp = "::1", Country = "FR", Attribution = new(AttributionRule.Identity, "dir", "10.0.0.1"), Data = Some.Record("""{"n":1e400}"""),
        };
        Text(full, 42).ShouldBe(
            """{"id":"00000001-0000-7000-8000-000000000001","external_id":"x","sequence":42,"kind":"incident","type":"intrusion","source":"elevate","device":"fw","priority":"high","""
            + "\"time\":\"2021-08-18T02:38:31.50Z\",\"received_at\":\"2021-08-18T02:38:31.000Z\","
            + "\"user_id\":\"4506\",\"description\":\"d\",\"src_ip\":\"10.0.0.1\",\"dst_ip\":\"::1\",\"country\":\"FR\",\"attribution\":"
            + """{"rule":"identity","source":"dir","address":"10.0.0.1"},"data":{"n":1e400}}""");
    }

    [Fact]
    public void What_is_absent_is_null()
    {
        var bare = Some.Event(userId: null, priority: Priority.None) with { Data = RawRecord.None };
        using var json = JsonDocument.Parse(Text(bare));
        json.RootElement.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Null).Select(member => member.Name)
            .ShouldBe(["external_id", "device", "priority", "user_id", "description", "src_ip", "dst_ip", "country", "attribution", "data"]);
        Text(bare with { Attribution = Attribution.FromRecord }).ShouldContain("""{"rule":"record","source":null,"address":null}""");
    }

    [Theory]
    [InlineData("12345678901234567890.1234567890")]
    [InlineData("1.0")]
    [InlineData("-0.0")]
    [InlineData("1E+400")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("[]")]
    [InlineData("""{"a":1,"a":2,"\u0061":"\/ \u00e9 é 😀 <&'>"}""")]
    [InlineData("""{ "a" :	[ 1 , 2 ] }""")]
    public void Data_keeps_its_bytes(string data) => Text(Some.Event(data: data)).ShouldEndWith($"\"data\":{data}}}");

    [Theory]
    [InlineData("{\n  \"a\": 1,\r\n  \"b\": [\n]\r}", "{   \"a\": 1,    \"b\": [ ] }")]
    [InlineData("\n1\n", " 1 ")]
    [InlineData("{\"a\":\"x\\ny\\r\"\n}", "{\"a\":\"x\\ny\\r\" }")]
    public void A_line_break_between_tokens_becomes_a_space(string data, string line) => Text(Some.Event(data: data)).ShouldEndWith($"\"data\":{line}}}");

    [Fact]
    public void An_event_of_any_text_is_one_line_that_reads_back()
    {
        foreach (var text in (string[])["", "a\nb\r\n\t", "\"quoted\" \\ back", "\0\u0001\u001f\u007f", "é語😀", "<script>&'+", "\u2028\u2029\u0085", new('x', 100_000)])
        {
            var line = Text(Some.Event(userId: text, type: text, source: text) with { Description = text, Device = text, ExternalId = text, SrcIp = text, DstIp = text, Country = text, Attribution = new(AttributionRule.Unresolved, text, text) });
            line.AsSpan().IndexOfAny('\n', '\r').ShouldBe(-1);
            using var json = JsonDocument.Parse(line);
            foreach (var name in (string[])["user_id", "type", "source", "description", "device", "external_id", "src_ip", "dst_ip", "country"])
                json.RootElement.GetProperty(name).GetString().ShouldBe(text);
            json.RootElement.GetProperty("attribution").GetProperty("address").GetString().ShouldBe(text);
        }
        // Half a surrogate pair has no UTF-8: it is replaced, and the line stays one that every reader takes.
        using var half = JsonDocument.Parse(Text(Some.Event(userId: "a\ud800b")));
        half.RootElement.GetProperty("user_id").GetString().ShouldBe("a\uFFFDb");
    }

    [Fact]
    public void One_after_another_goes_behind_what_is_there()
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write("["u8);
        EventJson.Write(1, Some.Event(data: "{\n}"), output);
        output.Write(","u8);
        EventJson.Write(2, Some.Event(data: "2"), output);
        output.Write("]"u8);
        using var json = JsonDocument.Parse(output.WrittenMemory);
        json.RootElement.EnumerateArray().Select(e => e.GetProperty("sequence").GetInt64()).ShouldBe([1, 2]);
    }

    private static string Text(SecurityEvent e, long sequence = 1)
    {
        var output = new ArrayBufferWriter<byte>();
        EventJson.Write(sequence, e, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
