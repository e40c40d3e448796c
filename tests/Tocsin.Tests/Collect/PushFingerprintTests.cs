namespace Tocsin.Tests.Collect;

/// <summary>Which pushes are the same one again.</summary>
public sealed class PushFingerprintTests
{
    [Theory]
    [InlineData("""{"type":"x","external_id":"1","data":{"a":1,"b":["é"]}}""", """{ "data":{ "b" : ["\u00e9"], "\u0061":1 }, "id":"1", "event_type":"\u0078" }""", true)]
    [InlineData("""{"type":"x","external_id":"1"}""", """{"type":"x","external_id":"1","user_id":null}""", true)]
    [InlineData("""{"type":"x","external_id":"1","a":1}""", """{"type":"x","external_id":"1","data":{"a":1}}""", true)]
    [InlineData("""{"type":"x","external_id":"1","data":1}""", """{"type":"x","external_id":"1","data":1.0}""", false)]
    [InlineData("""{"type":"x","external_id":"1","data":[1,2]}""", """{"type":"x","external_id":"1","data":[2,1]}""", false)]
    [InlineData("""{"type":"x","external_id":"1","data":[[1],2]}""", """{"type":"x","external_id":"1","data":[[1,2]]}""", false)]
    [InlineData("""{"type":"x","external_id":"1","data":{"a":1,"b":2}}""", """{"type":"x","external_id":"1","data":{"a":2,"b":1}}""", false)]
    [InlineData("""{"type":"x","external_id":"1","data":[]}""", """{"type":"x","external_id":"1","data":{}}""", false)]
    [InlineData("""{"type":"x","external_id":"1","data":"1"}""", """{"type":"x","external_id":"1","data":1}""", false)]
    [InlineData("""{"type":"x","external_id":"1"}""", """{"type":"x","external_id":"1","kind":"audit"}""", false)]
    [InlineData("""{"type":"x","external_id":"1","src_ip":"10.0.0.1"}""", """{"type":"x","external_id":"1","dst_ip":"10.0.0.1"}""", false)]
    public void Content_is_what_was_given_whatever_its_form(string one, string other, bool equal)
    {
        var (a, b) = (One(one), One(other));
        a.Id.ShouldBe(b.Id);
        a.Fingerprint.ShouldNotBe(0);
        (a.Fingerprint == b.Fingerprint).ShouldBe(equal);
    }

    [Fact]
    public void An_external_id_is_unique_within_its_source_only()
    {
        One("""{"type":"x","id":"1"}""").Id.ShouldNotBe(One("""{"type":"x","id":"1","source":"other"}""").Id);
        One("""{"type":"x","id":"1"}""").Id.ShouldBe(One("""{"type":"x","id":"1","source":"sender"}""").Id);
        One("""{"type":"x","id":"1"}""").Id.ShouldBe(One("""{"type":"x","id":1}""").Id);
    }

    [Fact]
    public void An_idempotency_key_names_every_event_of_its_request_and_covers_it_whole()
    {
        var body = """[{"type":"a"},{"type":"b","id":"7"},{"type":"c"},{"kind":"?"}]""";
        var (one, again) = (Events(body, "k"), Events(body.Replace(",", " , ", StringComparison.Ordinal), "k"));
        one.Select(e => e.Id).ShouldBe(again.Select(e => e.Id));
        one.Select(e => e.Fingerprint).ShouldBe(again.Select(e => e.Fingerprint));
        one.Select(e => e.Id).ShouldBeUnique();

        // What has an id of its own is the same event under any key, and without one.
        var other = Events(body.Replace("\"c\"", "\"d\"", StringComparison.Ordinal), "k");
        other[1].ShouldSatisfyAllConditions(e => e.Id.ShouldBe(one[1].Id), e => e.Fingerprint.ShouldBe(one[1].Fingerprint));
        other[0].ShouldSatisfyAllConditions(e => e.Id.ShouldBe(one[0].Id), e => e.Fingerprint.ShouldNotBe(one[0].Fingerprint));
        Events(body.Replace("?", "!", StringComparison.Ordinal), "k")[0].Fingerprint.ShouldNotBe(one[0].Fingerprint);
        Events(body, "l")[0].Id.ShouldNotBe(one[0].Id);
        ((SecurityEvent)PushReaderTests.Read(body, key: "k", sender: "somebody").Events[0]).Id.ShouldNotBe(one[0].Id);
    }

    private static SecurityEvent One(string json) => (SecurityEvent)PushReaderTests.Read(json).Events.ShouldHaveSingleItem();

    private static SecurityEvent[] Events(string json, string key) => [.. PushReaderTests.Read(json, key: key).Events.Cast<SecurityEvent>()];
}
