using System.Text;
using System.Text.Json;
using static Tocsin.Tests.Projections.BoardTestKit;

namespace Tocsin.Tests.Projections;

public sealed class BoardIncidentTests
{
    private const string Tail = ",\"type\":\"intrusion\",\"event_id\":\"00000001-0000-7000-8000-000000000001\"";

    [Theory]
    [InlineData("""{ "priority" : "HIGH", "timestamp" : 1629254311.8207245 , "x" : { "a" : 1.50, "a":2 } }""", """{"priority":"high","timestamp":1629254311.8207245,"x":{ "a" : 1.50, "a":2 }""" + Tail + "}")]
    [InlineData("""{"timestamp":1.50,"a":1}""", """{"timestamp":1.50,"a":1,"priority":"high" """)]
    [InlineData("""{"a":1}""", """{"a":1,"priority":"high"!,"timestamp":1629254311.8207245}""")]
    [InlineData("""{}""", """{"priority":"high"!,"timestamp":1629254311.8207245}""")]
    [InlineData("", """{"priority":"high"!,"timestamp":1629254311.8207245}""")]
    [InlineData("[1, 2]", """{"data":[1, 2],"priority":"high"!,"timestamp":1629254311.8207245}""")]
    [InlineData("null", """{"data":null,"priority":"high"!,"timestamp":1629254311.8207245}""")]
    [InlineData("""{"type":"own","event_id":[{}],"timestamp":null}""", """{"timestamp":null,"priority":"high" """)]
    [InlineData("""{"\u0074ype":"own","prior\u0069ty":{"a":[]},"\u0074imestamp":7}""", """{"priority":"high","\u0074imestamp":7""" + Tail + "}")]
    [InlineData("""{"a":1,"a":2,"\u0061":3,"timestamp":1,"priority":1,"priority":2}""", """{"a":1,"timestamp":1,"priority":"high" """)]
    [InlineData("""{"ключ":"\ud83d\ude00 ☃","\ud83d\ude00":"\ud800","timestamp":1}""", """{"ключ":"\ud83d\ude00 ☃","\ud83d\ude00":"\ud800","timestamp":1,"priority":"high" """)]
    public void An_incident_is_the_record_with_what_Tocsin_understood(string record, string shown)
    {
        var expected = shown.Contains('!') ? shown.Replace("!", Tail) : shown.EndsWith(' ') ? shown.TrimEnd() + Tail + "}" : shown;
        BoardOf(Some.Event(data: record)).OnlyIncident().ShouldBe(expected);
    }

    [Theory]
    [InlineData("""{"a":1""")]
    [InlineData("""{"a":1} x""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("nonsense")]
    public void What_cannot_be_shown_leaves_the_answer_readable_and_says_so(string record) =>
        BoardOf(Some.Event(data: record)).OnlyIncident()
            .ShouldBe($$"""{"truncated":true,"priority":"high"{{Tail}},"timestamp":1629254311.8207245}""");

    [Fact]
    public void Bytes_that_are_no_text_are_not_shown()
    {
        var record = new RawRecord((byte[])[.. "{\"a\":\""u8, 0xFF, .. "\"}"u8]);
        BoardOf(Some.Event() with { Data = record }).OnlyIncident().ShouldStartWith("""{"truncated":true""");
    }

    [Fact]
    public void A_record_over_4_KiB_shows_truncated_instead_of_its_fields()
    {
        static string RecordOf(int bytes) => $$"""{"a":"{{new string('x', bytes - 8)}}"}""";
        BoardOf(Some.Event(data: RecordOf(4096))).OnlyIncident().Length.ShouldBeGreaterThan(4096);
        BoardOf(Some.Event(data: RecordOf(4097))).OnlyIncident()
            .ShouldBe($$"""{"truncated":true,"priority":"high"{{Tail}},"timestamp":1629254311.8207245}""");
    }

    [Fact]
    public void An_amended_priority_gives_the_bytes_that_an_event_with_it_would_have()
    {
        string[] records =
        [
            "{}", "", "[1]", "{\"a\":1,\"priority\":\"x\",\"b\":2}", "{\"b\":{\"priority\":1},\"prior\\u0069ty\":3,\"timestamp\":1}", new string('[', 5000),
            "{\"a\":\"" + new string('x', 4080) + "\"}",
        ];
        foreach (var record in records)
            BoardOf(Some.Event(data: record), Some.Amendment(1, priority: Priority.Critical), Some.Amendment(1, priority: Priority.Low)).Text()
                .ShouldBe(BoardOf(Some.Event(data: record, priority: Priority.Low)).Text());
    }

    [Fact]
    public void A_record_of_many_names_shows_each_once()
    {
        var names = Enumerable.Range(0, 300).Select(i => $"\"n{i % 100}\":{i}").Append("\"n\\u0031\":0");
        var shown = JsonDocument.Parse(BoardOf(Some.Event(data: $"{{{string.Join(", ", names)}}}")).OnlyIncident()).RootElement;
        shown.EnumerateObject().Select(p => p.Name).ShouldBe([.. Enumerable.Range(0, 100).Select(i => $"n{i}"), "priority", "type", "event_id", "timestamp"]);
        shown.GetProperty("n1").GetRawText().ShouldBe("1");
    }

    [Fact]
    public void A_deeply_nested_record_is_copied()
    {
        var record = $"{{\"a\":{new string('[', 2000)}{new string(']', 2000)}}}";
        BoardOf(Some.Event(data: record)).OnlyIncident().ShouldStartWith(record[..^1]);
    }

    [Fact]
    public void Types_and_employees_are_escaped()
    {
        var board = BoardOf(Some.Event(userId: "a\"b\\\n\u0001ü", type: "t\"\\\u0000ü"));
        using var answer = JsonDocument.Parse(board.Text());
        var employee = answer.RootElement.EnumerateObject().Single();
        employee.Name.ShouldBe("a\"b\\\n\u0001ü");
        employee.Value.GetProperty("high").GetProperty("incidents")[0].GetProperty("type").GetString().ShouldBe("t\"\\\u0000ü");
        Encoding.UTF8.GetString(board.Employee("a\"b\\\n\u0001ü")!.Body.Whole!).ShouldStartWith("""{"low":{"count":0,"incidents":[]},""");
    }
}
