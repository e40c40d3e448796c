using System.Diagnostics;
using System.Text;
using Tocsin.Collect.Push;

namespace Tocsin.Tests.Collect;

/// <summary>What is no JSON, or JSON that two readers might read differently.</summary>
public sealed class PushStrictTests
{
    [Theory]
    [InlineData("", "invalid_json")]
    [InlineData("{", "invalid_json")]
    [InlineData("""{"type":"x"}{}""", "invalid_json")]
    [InlineData("""{"type":"x",}""", "invalid_json")]
    [InlineData("""{"type":"x"} // no""", "invalid_json")]
    [InlineData("""{"type":"x","data":NaN}""", "invalid_json")]
    [InlineData("""{"type":"x","data":01}""", "invalid_json")]
    [InlineData("\uFEFF{\"type\":\"x\"}", "invalid_json")]
    [InlineData("""{"type":"x","type":"x"}""", "duplicate_name")]
    [InlineData("""{"type":"x","a":1,"\u0061":1}""", "duplicate_name")]
    [InlineData("""{"type":"x","\u0061":1,"a":1}""", "duplicate_name")]
    [InlineData("""{"type":"x","data":{"a":{"b":1,"c":[{"d":1,"d":2}]}}}""", "duplicate_name")]
    [InlineData("""{"type":"x","data":{"":1,"":1}}""", "duplicate_name")]
    [InlineData("""{"type":"x","data":"\ud800"}""", "lone_surrogate")]
    [InlineData("""{"type":"x","data":"\udc00"}""", "lone_surrogate")]
    [InlineData("""{"type":"x","data":"\ud800\ud800\udc00"}""", "lone_surrogate")]
    [InlineData("""{"type":"x","data":"\ud83d\\ude00"}""", "lone_surrogate")]
    [InlineData("""{"type":"x","data":{"\uDBFF":1}}""", "lone_surrogate")]
    [InlineData("""{"type":"x","data":["\\\ud800x"]}""", "lone_surrogate")]
    public void A_defect_spoils_a_body_or_a_line(string json, string code)
    {
        var one = PushReaderTests.Read(json).Refusal.ShouldNotBeNull();
        one.Kind.ShouldBe(PushRefusalKind.Malformed);
        one.Code.ShouldBe(code);

        if (json.Length > 0)
        {
            var array = PushReaderTests.Read($$"""[{"type":"good"},{{json}},{"type":"good"}]""");
            array.Refusal.ShouldNotBeNull().Kind.ShouldBe(PushRefusalKind.Malformed);
            array.Events.ShouldBeEmpty();
            var lines = PushReaderTests.Read($"{{\"type\":\"good\"}}\n{json}\n{{\"type\":\"good\"}}", lines: true);
            lines.Events.Count.ShouldBe(2);
            lines.Rejects.ShouldHaveSingleItem().Errors.ShouldHaveSingleItem().ShouldSatisfyAllConditions(error => error.Code.ShouldBe(code), error => error.Pointer.ShouldBe("/events/1"));
        }
    }

    [Theory]
    [InlineData("""{"type":"x","data":"\ud83d\ude00\ud83d\ude00"}""")]
    [InlineData("""{"type":"x","data":"\\ud800"}""")]
    [InlineData("""{"type":"x","data":"\\\\\ud83d\ude00\n"}""")]
    [InlineData("""{"type":"x","data":{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":3}}""")]
    [InlineData("""{"type":"x","data":{"e\u0301":1,"é":2}}""")]
    [InlineData("""{"type":"x","data":"\u0000\uffff"}""")]
    public void What_only_looks_like_a_defect_is_taken(string json) => PushReaderTests.Read(json).Events.ShouldHaveSingleItem();

    [Fact]
    public void Invalid_UTF8_spoils_a_body_but_only_its_own_line()
    {
        byte[] bad = [.. "{\"type\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        PushReaderTests.Read(bad).Refusal.ShouldNotBeNull().Code.ShouldBe("invalid_utf8");
        var lines = PushReaderTests.Read([.. "{\"type\":\"é\"}\n"u8, .. bad, .. "\n{\"type\":\"x\"}"u8], lines: true);
        lines.Events.Count.ShouldBe(2);
        lines.Rejects.ShouldHaveSingleItem().Errors.ShouldHaveSingleItem().Code.ShouldBe("invalid_utf8");
    }

    [Fact]
    public void An_event_may_be_as_deep_as_the_bound_and_no_deeper()
    {
        foreach (var (open, close) in new[] { ("[", "]"), ("{\"a\":", "}") })
        {
            string Json(int depth) => $"{{\"type\":\"x\",\"data\":{string.Concat(Enumerable.Repeat(open, depth - 1))}1{string.Concat(Enumerable.Repeat(close, depth - 1))}}}";
            var (fits, over) = (Json(PushLimits.MaxDepth), Json(PushLimits.MaxDepth + 1));

            PushReaderTests.Read(fits).Events.ShouldHaveSingleItem();
            PushReaderTests.Read($"[{fits},{fits}]").Events.Count.ShouldBe(2);
            PushReaderTests.Read(over).Refusal.ShouldNotBeNull().Kind.ShouldBe(PushRefusalKind.TooLarge);
            PushReaderTests.Read($"[{fits},{over}]").Refusal.ShouldNotBeNull().Code.ShouldBe("too_deep");
            PushReaderTests.Read($"{fits}\n{over}\n", lines: true).Rejects.ShouldHaveSingleItem().Errors.ShouldHaveSingleItem().Code.ShouldBe("too_deep");
            PushReaderTests.Read(string.Concat(Enumerable.Repeat(open, 100_000))).Refusal.ShouldNotBeNull();
        }
    }

    [Fact]
    public void An_event_may_be_as_large_as_the_bound_and_no_larger()
    {
        string Json(int bytes) => $"{{\"type\":\"x\",\"data\":\"{new string('x', bytes - 22)}\"}}";
        var (fits, over) = (Json(PushLimits.MaxEventBytes), Json(PushLimits.MaxEventBytes + 1));
        fits.Length.ShouldBe(PushLimits.MaxEventBytes);

        PushReaderTests.Read($"  {fits}  ").Events.ShouldHaveSingleItem();
        PushReaderTests.Read(over).Refusal.ShouldNotBeNull().Kind.ShouldBe(PushRefusalKind.TooLarge);
        PushReaderTests.Read($"[{fits},{over}]").Refusal.ShouldNotBeNull().Kind.ShouldBe(PushRefusalKind.TooLarge);
        var lines = PushReaderTests.Read($"{fits}\r\n{over}\r\n", lines: true);
        lines.Events.ShouldHaveSingleItem();
        lines.Rejects.ShouldHaveSingleItem().Errors.ShouldHaveSingleItem().Code.ShouldBe("too_large");
    }

    [Fact]
    public void Many_names_cost_as_much_as_their_number_and_a_double_among_them_is_found()
    {
        var names = string.Join(',', Enumerable.Range(0, 80_000).Select(i => $"\"n{i}\":{{\"a\":1}}"));
        var clock = Stopwatch.StartNew();
        PushReaderTests.Read($"{{\"type\":\"x\",\"data\":{{{names[..900_000].TrimEnd()[..names[..900_000].LastIndexOf(',')]}}}}}").Events.ShouldHaveSingleItem();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));

        foreach (var count in new[] { 1, 15, 16, 17, 18, 63, 64, 65, 66, 500, 5000 })
            foreach (var at in new[] { 0, count / 2, count - 1 })
            {
                var some = string.Join(',', Enumerable.Range(0, count).Select(i => $"\"n{i}\":{{\"a\":1,\"b\":[{{\"c\":1}}]}}"));
                PushReaderTests.Read($"{{\"type\":\"x\",\"data\":{{{some}}}}}").Events.ShouldHaveSingleItem();
                PushReaderTests.Read($"{{\"type\":\"x\",\"data\":{{{some},\"\\u006e{at}\":1}}}}").Refusal.ShouldNotBeNull().Code.ShouldBe("duplicate_name");
            }
    }

    [Fact]
    public void Large_objects_within_large_objects_keep_their_names_apart()
    {
        var inner = "{" + string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"n{i}\":{i}")) + "}";
        var outer = "{" + string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"n{i}\":{inner}")) + "}";
        PushReaderTests.Read($"{{\"type\":\"x\",\"data\":{outer}}}").Events.ShouldHaveSingleItem();
        PushReaderTests.Read($"{{\"type\":\"x\",\"data\":{outer[..^1]},\"n50\":1}}}}").Refusal.ShouldNotBeNull().Code.ShouldBe("duplicate_name");
    }

    [Fact]
    public void The_recorded_cases_of_parsers_are_taken_or_refused_as_they_should()
    {
        var files = Directory.GetFiles(Path.Combine(Shared.CorporaOrSkip(), "json", "test_parsing"), "*.json");
        files.Length.ShouldBeGreaterThan(150);
        foreach (var file in files)
        {
            var name = Path.GetFileName(file);
            var batch = PushReaderTests.Read([.. "{\"type\":\"x\",\"data\":"u8, .. File.ReadAllBytes(file), (byte)'}']);
            if (name[0] == 'y' && !name.Contains("duplicated_key", StringComparison.Ordinal))
                ((SecurityEvent)batch.Events.ShouldHaveSingleItem(name)).Data.ToString().Trim().ShouldBe(name == "y_structure_lonely_null.json" ? "" : Encoding.UTF8.GetString(File.ReadAllBytes(file)).Trim(), name);
            if (name[0] == 'n')
                batch.Refusal.ShouldNotBeNull(name);
        }
    }
}
