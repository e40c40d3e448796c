using System.Text;
using Tocsin.Journal;

namespace Tocsin.Tests.Journal;

/// <summary>What the words of a filter mean for one event; that engines find those events is <see cref="QueryContract"/>'s.</summary>
public sealed class EventFilterTests
{
    private static readonly SecurityEvent Login = Some.Event(userId: "4506", type: "auth.login") with
    {
        Description = "Straße closed", Device = "fw", Country = "FR", SrcIp = "10.1.2.3", DstIp = "2001:db8::1", ExternalId = "x-1",
    };

    [Fact]
    public void An_empty_filter_takes_all_but_what_Tocsin_did_itself()
    {
        new EventFilter().Matches(Login).ShouldBeTrue();
        new EventFilter().Matches(Login with { Source = "tocsin" }).ShouldBeFalse();
        new EventFilter { Types = ["auth.*"] }.Matches(Login with { Source = "tocsin" }).ShouldBeFalse();
        new EventFilter { Sources = ["tocsin"] }.Matches(Login with { Source = "tocsin" }).ShouldBeTrue();
        new EventFilter { Types = ["tocsin.*"] }.Matches(Login with { Source = "tocsin", Type = "tocsin.token" }).ShouldBeTrue();
    }

    [Fact]
    public void Values_of_one_filter_are_alternatives_and_filters_must_all_hold()
    {
        var both = new EventFilter { Kinds = [EventKind.Alert, EventKind.Incident], UserIds = ["7", "4506"], Devices = ["fw"], Countries = ["DE", "FR"], ExternalIds = ["x-1"], Ids = [Some.Id(2), Login.Id] };
        both.Matches(Login).ShouldBeTrue();
        foreach (var other in (SecurityEvent[])
            [Login with { Kind = EventKind.Audit }, Login with { UserId = null }, Login with { Device = null }, Login with { Country = "US" }, Login with { ExternalId = null }, Login with { Id = Some.Id(3) }])
            both.Matches(other).ShouldBeFalse();
    }

    [Theory]
    [InlineData("auth.*", "auth.x", true)]
    [InlineData("auth.*", "auth.", true)]
    [InlineData("auth.*", "auth", false)]
    [InlineData("auth.*", "authz.x", false)]
    [InlineData("auth.*", "Auth.x", false)]
    [InlineData("auth*", "auth.x", false)]
    [InlineData("auth*", "auth*", true)]
    [InlineData("*", "auth", false)]
    [InlineData(".*", ".x", true)]
    public void A_dot_and_a_star_are_all_that_begins_so(string wanted, string type, bool matches) => EventFilter.IsOfType(wanted, type).ShouldBe(matches);

    [Theory]
    [InlineData("LOGIN", true)]
    [InlineData("STRASSE", false)]
    [InlineData("straße", true)]
    [InlineData("4506", true)]
    [InlineData("450", true)]
    [InlineData("machine_IP", true)]
    [InlineData("17.0.0.1", true)]
    [InlineData("1629254311.82", true)]
    [InlineData("elevate", false)]
    [InlineData("10.1.2.3", false)]
    public void Text_is_looked_for_in_type_description_user_and_data(string text, bool found) => new EventFilter { Texts = [text] }.Matches(Login).ShouldBe(found);

    [Theory]
    [InlineData("""{"a":"n\u0065edle"}""", "NEEDLE", true)]
    [InlineData("""{"a":"n\u0065edle"}""", "u0065", false)]
    [InlineData("""{"n\u0065edle":1}""", "needle", true)]
    [InlineData("""{"a":"say \"hi\""}""", "Say \"HI\"", true)]
    [InlineData("""{"a":"C:\\temp"}""", "c:\\temp", true)]
    [InlineData("""{"a":"C:\\temp","n":12.50}""", "12.50", true)]
    [InlineData("""{"a":"C:\\temp","n":true}""", "TRUE", true)]
    [InlineData("""{"a":"É\u00c9"}""", "éé", true)]
    [InlineData("""{"a":"École"}""", "éCOLE", true)]
    [InlineData("""{"a":"\ud83d\ude00"}""", "😀", true)]
    [InlineData("""{"a":"\ud800","b":"needle"}""", "needle", true)]
    [InlineData("""{"a":"needle \ud800"}""", "needle", true)]
    [InlineData("""{"a":"xneedl","b":"needlneedle"}""", "needle", true)]
    [InlineData("""{"a":"needl"}""", "needle", false)]
    [InlineData("", "needle", false)]
    [InlineData("needle", "needle", true)]
    public void Text_in_data_is_found_as_it_reads_however_it_is_written(string data, string text, bool found) =>
        new EventFilter { Texts = [text] }.Matches(Login with { Data = Some.Record(data) }).ShouldBe(found);

    [Fact]
    public void A_text_of_any_length_is_found()
    {
        foreach (var length in (int[])[1, 2, 255, 256, 257, 5000])
        {
            var text = new string('n', length);
            var e = Login with { Type = "x", Description = null, Data = Some.Record($"[\"{text}\"]") };
            new EventFilter { Texts = [text.ToUpperInvariant()] }.Matches(e).ShouldBeTrue($"{length}");
            new EventFilter { Texts = [text + "n"] }.Matches(e).ShouldBeFalse($"{length}");
            new EventFilter { Texts = ["nowhere", text] }.Matches(e).ShouldBeTrue($"{length}");
        }
    }

    [Theory]
    [InlineData("a", "x", true)]
    [InlineData("a", "X", false)]
    [InlineData("b.c[1]", "1.0", true)]
    [InlineData("b.c[1]", "1", false)]
    [InlineData("b.c[2]", "true", true)]
    [InlineData("b.c[3]", "null", true)]
    [InlineData("b.c[4]", "é", true)]
    [InlineData("b.c[9]", "null", false)]
    [InlineData("b", "", false)]
    [InlineData("none", "null", false)]
    [InlineData("big", "12345678901234567890.10", true)]
    [InlineData("half", "\uFFFD", false)]
    [InlineData("empty", "", true)]
    public void A_value_of_data_equals_the_string_or_the_scalar_as_written(string path, string value, bool holds)
    {
        var e = Login with { Data = Some.Record("""{"a":"x","b":{"c":["",1.0,true,null,"\u00e9"]},"big":12345678901234567890.10,"half":"\ud800","empty":""}""") };
        new EventFilter { Data = [new(FieldPath.Parse(path), [value])] }.Matches(e).ShouldBe(holds);
        new EventFilter { Data = [new(FieldPath.Parse(path), ["other", value])] }.Matches(e).ShouldBe(holds);
        new EventFilter { Data = [new(FieldPath.Parse("a"), ["y"]), new(FieldPath.Parse(path), [value])] }.Matches(e).ShouldBeFalse();
    }

    [Fact]
    public void Data_that_is_absent_or_too_deep_or_no_JSON_equals_nothing()
    {
        var filter = new EventFilter { Data = [new(FieldPath.Whole, ["null"])] };
        filter.Matches(Login with { Data = Some.Record("null") }).ShouldBeTrue();
        filter.Matches(Login with { Data = RawRecord.None }).ShouldBeFalse();
        filter.Matches(Login with { Data = Some.Record(new string('[', 300) + new string(']', 300)) }).ShouldBeFalse();
        filter.Matches(Login with { Data = Some.Record("{") }).ShouldBeFalse();
        filter.Matches(Login with { Data = new RawRecord(Encoding.Latin1.GetBytes("\"\u00e9\"")) }).ShouldBeFalse();
        new EventFilter { Texts = ["deep"] }.Matches(Login with { Data = Some.Record($"{new string('[', 300)}\"\\n deep\"{new string(']', 300)}") }).ShouldBeFalse();
    }

    [Fact]
    public void Only_text_and_data_read_the_record()
    {
        new EventFilter { Types = ["x"], Since = Login.Time }.ReadsRecords.ShouldBeFalse();
        new EventFilter { Texts = ["x"] }.ReadsRecords.ShouldBeTrue();
        new EventFilter { Data = [new(FieldPath.Whole, ["x"])] }.ReadsRecords.ShouldBeTrue();
    }
}
