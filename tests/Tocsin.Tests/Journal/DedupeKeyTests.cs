using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

public sealed class DedupeKeyTests
{
    private readonly DedupeKey _dedupe = Of(1);

    [Theory]
    [InlineData("""{"a":1,"b":{"c":[1,2],"d":null}}""", """{ "b" : { "d" : null , "c" : [ 1 , 2 ] }, "a" : 1 }""")]
    [InlineData("""{"a":"é/\"x"}""", """{"\u0061":"\u00e9\/\u0022\u0078"}""")]
    [InlineData("""["😀"]""", """["\ud83d\ude00"]""")]
    [InlineData("""{"ab":1,"a":2,"B":3}""", """{"B":3,"a":2,"ab":1}""")]
    public void Order_of_members_white_space_and_escapes_do_not_matter(string one, string other) => Canonical(one).ShouldBe(Canonical(other));

    [Theory]
    [InlineData("1", "1.0")]
    [InlineData("1", "1e0")]
    [InlineData("0", "-0")]
    [InlineData("12345678901234567890", "12345678901234567891")]
    [InlineData("1", "\"1\"")]
    [InlineData("true", "\"true\"")]
    [InlineData("null", "\"null\"")]
    [InlineData("null", "false")]
    [InlineData("[]", "{}")]
    [InlineData("[1,2]", "[2,1]")]
    [InlineData("[[1],2]", "[1,[2]]")]
    [InlineData("[[],[]]", "[[[]]]")]
    [InlineData("""{"a":null}""", "{}")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{},"b":1}""")]
    [InlineData("""{"a":"b"}""", """["a","b"]""")]
    [InlineData("""["ab","c"]""", """["a","bc"]""")]
    [InlineData("""{"ab":"c"}""", """{"a":"bc"}""")]
    [InlineData("\"é\"", "\"e\u0301\"")]
    [InlineData("\"\"", "\"\\u0000\"")]
    [InlineData("\"a\"", "\"A\"")]
    [InlineData("\" a\"", "\"a\"")]
    public void Digits_types_nesting_and_order_of_items_do(string one, string other) => Canonical(one).ShouldNotBe(Canonical(other));

    [Fact]
    public void No_two_of_some_thousand_random_values_share_their_form()
    {
        var random = new Random(7);
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < 6000; i++)
        {
            var value = Value(random, 4);
            var normal = Normal(JsonElement.Parse(value));
            var canonical = Canonical(value);
            if (seen.TryGetValue(canonical, out var same))
                normal.ShouldBe(same);
            else
                seen.Add(canonical, normal);
        }
        seen.Values.Distinct().Count().ShouldBe(seen.Count);
        seen.Count.ShouldBeGreaterThan(2000);
    }

    [Fact]
    public void A_value_at_the_deepest_level_that_is_read_has_a_form()
    {
        var deep = new string('[', 64) + new string(']', 64);
        Canonical(deep).ShouldNotBe(Canonical(deep[1..^1]));
    }

    [Fact]
    public void Equal_records_of_one_answer_differ_by_their_ordinal_alone()
    {
        var record = JsonElement.Parse("""{"a":1}""");
        var ids = Enumerable.Range(1, 1000).Select(ordinal => _dedupe.OfContent("s", "/r", record, ordinal)).ToArray();
        ids.Distinct().Count().ShouldBe(1000);
        ids.ShouldAllBe(id => id.IsKeyed);
        _dedupe.OfContent("s", "/r", JsonElement.Parse("""{ "a": 1 }"""), 1).ShouldBe(ids[0]);
    }

    [Fact]
    public void Source_request_content_and_sort_of_key_are_all_part_of_the_id()
    {
        var record = JsonElement.Parse("\"x\"");
        EventId[] ids =
        [
            _dedupe.OfContent("s", "/r", record, 1), _dedupe.OfContent("s/", "r", record, 1), _dedupe.OfContent("t", "/r", record, 1),
            _dedupe.OfContent("s", "/q", record, 1), _dedupe.OfExternalId("s", "x"), _dedupe.OfExternalId("sx", ""), _dedupe.OfExternalId("", "sx"),
            _dedupe.OfExternalId("s", "X"), _dedupe.OfExternalId("s", "x "), _dedupe.OfExternalId("S", "x"),
        ];
        ids.Distinct().Count().ShouldBe(ids.Length);
    }

    [Fact]
    public void Two_journals_give_different_ids_and_fingerprints_for_the_same_record()
    {
        var record = JsonElement.Parse("""{"priority":"low"}""");
        var other = Of(2);
        other.OfExternalId("s", "1").ShouldNotBe(_dedupe.OfExternalId("s", "1"));
        other.OfContent("s", "/r", record, 1).ShouldNotBe(_dedupe.OfContent("s", "/r", record, 1));
        other.Fingerprint(record).ShouldNotBe(_dedupe.Fingerprint(record));
        Of(1).OfExternalId("s", "1").ShouldBe(_dedupe.OfExternalId("s", "1"));
    }

    [Fact]
    public void A_fingerprint_follows_the_content_and_not_its_spelling()
    {
        _dedupe.Fingerprint(JsonElement.Parse("""{"a":1,"b":"é"}""")).ShouldBe(_dedupe.Fingerprint(JsonElement.Parse("""{"b":"\u00e9", "a":1}""")));
        _dedupe.Fingerprint(JsonElement.Parse("""{"a":1}""")).ShouldNotBe(_dedupe.Fingerprint(JsonElement.Parse("""{"a":1.0}""")));
    }

    private static DedupeKey Of(byte key) => new(new JournalInfo("test", "", Guid.Empty, [.. Enumerable.Repeat(key, 32)]));

    private static string Canonical(string json)
    {
        var output = new ArrayBufferWriter<byte>();
        CanonicalJson.Write(JsonElement.Parse(json), output);
        return Convert.ToHexString(output.WrittenSpan);
    }

    /// <summary>The same equality said in another way: sorted, compact, escapes undone.</summary>
    private static string Normal(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(',', value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal)
            .Select(member => $"{JsonSerializer.Serialize(member.Name)}:{Normal(member.Value)}")) + "}",
        JsonValueKind.Array => "[" + string.Join(',', value.EnumerateArray().Select(Normal)) + "]",
        JsonValueKind.String => JsonSerializer.Serialize(value.GetString()),
        _ => value.GetRawText(),
    };

    private static string Value(Random random, int depth)
    {
        switch (random.Next(depth == 0 ? 5 : 8))
        {
            case 0:
                return random.Next(3) switch { 0 => "true", 1 => "false", _ => "null" };
            case 1:
                return random.Next(-3, 4).ToString(CultureInfo.InvariantCulture);
            case 2:
                return $"{random.Next(0, 3)}.{random.Next(0, 2)}";
            case 3 or 4:
                return JsonSerializer.Serialize(Word(random));
            case 5:
                return "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1))) + "]";
            default:
                var names = Enumerable.Range(0, random.Next(4)).Select(_ => Word(random)).Distinct(StringComparer.Ordinal);
                return "{" + string.Join(',', names.Select(name => $"{JsonSerializer.Serialize(name)}:{Value(random, depth - 1)}")) + "}";
        }
    }

    private static string Word(Random random)
    {
        var text = new StringBuilder();
        for (var i = random.Next(4); i > 0; i--)
            text.Append("ab\0\"é[{:,so"[random.Next(11)]);
        return text.ToString();
    }
}
