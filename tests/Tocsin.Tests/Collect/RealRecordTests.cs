using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>Records that others collected, by the maps of the source files that come with the product.</summary>
public sealed partial class RealRecordTests
{
    [Theory]
    [InlineData("denial", 300)]
    [InlineData("executable", 300)]
    [InlineData("misuse", 300)]
    public void Every_recorded_incident_maps(string type, int count)
    {
        var source = ReadyMade.Source("elevate");
        var records = JsonElement.Parse(File.ReadAllText(Path.Combine(Shared.CorporaOrSkip(), "upstream", $"incidents_{type}.json"))).GetProperty("results");
        var mapped = records.EnumerateArray().Select(record => ReadyMade.Map(source, record.GetRawText(), type).Mapped.ShouldNotBeNull()).ToList();
        mapped.Count.ShouldBe(count);
        mapped.ShouldAllBe(record => record.Priority != Priority.None && record.Who != null && record.Type == type);
    }

    [Fact]
    public void GitHub_s_records_map_as_the_api_gives_them()
    {
        var source = ReadyMade.Source("github-audit");
        var push = Vendor(source, "GitHub__v1.3.0__Github_Audit_Logs__API_Activity__samples__api_activity.raw");
        (push.Type, push.Who, push.Device, push.SrcIp, push.Time.ToString()).ShouldBe(("git.push", "test_user", "acme/dynamite", "1.1.1.1", "2024-10-17T14:42:46.108Z"));
        var sso = Vendor(source, "GitHub__v1.3.0__Github_Audit_Logs__Authentication__samples__authentication.raw");
        (sso.Type, sso.Who, sso.Device, sso.SrcIp, sso.ExternalId).ShouldBe(("business.sso_response", "test_user", null, null, "m-111111111111=="));
    }

    [Fact]
    public void An_Okta_record_maps_as_the_api_gives_it()
    {
        var mapped = Vendor(ReadyMade.Source("okta-system-log"), "Okta__v1.3.0__System_Logs__Entity_Management__samples__entity_management.raw");
        (mapped.Type, mapped.Who, mapped.Device, mapped.SrcIp, mapped.Priority).ShouldBe(("policy.lifecycle.create", "john.doe@example.com", "Computer", "10.0.0.1", Priority.Low));
        (mapped.Description, mapped.Time.ToString(), mapped.ExternalId).ShouldBe(("Create policy", "2024-08-13T15:58:20.353Z", "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a"));
    }

    /// <summary>These were collected by another product, which gives times without an offset and leaves ids out: neither is ever so on the wire. What still has no time is cut down or made unreadable in the collection.</summary>
    [Fact]
    public void GitHub_s_records_of_another_collector_are_kept_aside_for_what_it_took_from_them_and_map_once_it_is_given_back()
    {
        var source = ReadyMade.Source("github-audit");
        var audit = Panther("github").Where(IsGitHubAudit).ToList();
        audit.Count.ShouldBe(52);
        Reasons(source, audit).ShouldBe(new Dictionary<string, int> { ["external_id is absent"] = 28, ["time is neither"] = 16, ["time is absent"] = 8 });
        var restored = audit.Select((record, index) => GivenBack(record, index)).ToList();
        Reasons(source, restored).ShouldBe(new Dictionary<string, int> { ["mapped"] = 45, ["time is absent"] = 7 });
        var mapped = Mapped(source, restored);
        mapped.ShouldAllBe(record => record.Type.Length > 0 && record.Priority == Priority.None && !record.UnknownPriority);
        mapped.Where(record => record.Who is null).ShouldHaveSingleItem().Type.ShouldBe("git.push", "an empty actor names nobody");
        mapped.Select(record => record.Type).ShouldContain("protected_branch.destroy");
    }

    [Fact]
    public void Okta_s_records_of_another_collector_are_kept_aside_for_what_it_took_from_them_and_map_once_it_is_given_back()
    {
        var source = ReadyMade.Source("okta-system-log");
        var logs = Panther("okta").Where(record => record["severity"] is not null).ToList();
        logs.Count.ShouldBe(52);
        Reasons(source, logs).ShouldBe(new Dictionary<string, int> { ["time is neither"] = 49, ["time is absent"] = 3 });
        var restored = logs.Select((record, index) => GivenBack(record, index)).ToList();
        Reasons(source, restored).ShouldBe(new Dictionary<string, int> { ["mapped"] = 45, ["time is neither"] = 4, ["time is absent"] = 3 });
        var mapped = Mapped(source, restored);
        mapped.ShouldAllBe(record => record.Priority == Priority.Low || record.Priority == Priority.Medium);
        mapped.Count(record => record.Who is null).ShouldBe(3, "tried by a name that Okta does not know, or with no actor at all");
        mapped.ShouldNotContain(record => record.Who == "unknown");
        mapped.Select(record => record.Type).ShouldContain("user.mfa.factor.reset_all");
    }

    [Fact]
    public void No_webhook_of_GitHub_passes_for_a_record_of_its_audit_log()
    {
        var source = ReadyMade.Source("github-audit");
        var files = Directory.GetFiles(Path.Combine(Shared.CorporaOrSkip(), "github-webhooks"), "*.json");
        files.Length.ShouldBeGreaterThan(50);
        files.ShouldAllBe(file => ReadyMade.Map(source, File.ReadAllText(file)).Mapped == null);
    }

    private static MappedRecord Vendor(SourceDefinition source, string file) =>
        ReadyMade.Map(source, File.ReadAllText(Path.Combine(Shared.CorporaOrSkip(), "ocsf", "mappings__markdown__" + file))).Mapped.ShouldNotBeNull();

    private static IEnumerable<JsonObject> Panther(string vendor) =>
        File.ReadLines(Path.Combine(Shared.CorporaOrSkip(), "panther", $"{vendor}_rules.ndjson")).Select(line => JsonNode.Parse(line)!["event"]!.AsObject());

    /// <summary>The file holds webhooks too, which have no actor and no organisation at their root.</summary>
    private static bool IsGitHubAudit(JsonObject record) => record["actor"] is JsonValue && record["action"] is JsonValue && record["org"] is JsonValue;

    /// <summary>What reasons there are, and of how many records; "mapped" of those that map.</summary>
    private static Dictionary<string, int> Reasons(SourceDefinition source, IEnumerable<JsonObject> records) => records
        .GroupBy(record => ReadyMade.Map(source, record.ToJsonString()).RejectReason is { } reason ? Kind().Match(reason).Value : "mapped")
        .ToDictionary(group => group.Key, group => group.Count());

    private static List<MappedRecord> Mapped(SourceDefinition source, IEnumerable<JsonObject> records) =>
        [.. records.Select(record => ReadyMade.Map(source, record.ToJsonString()).Mapped).OfType<MappedRecord>()];

    /// <summary>Undoes the other collector's doing: names in lower case, an @ spelt out, times without their offset (they are UTC), ids left out.</summary>
    private static JsonObject GivenBack(JsonObject record, int index)
    {
        var back = new JsonObject();
        foreach (var (name, value) in record)
        {
            var wire = name switch { "at_sign_timestamp" => "@timestamp", "eventtype" => "eventType", "displaymessage" => "displayMessage", _ => name };
            back[wire] = wire is "@timestamp" or "created_at" or "published" && value is JsonValue text && text.TryGetValue<string>(out var time) && NoOffset().IsMatch(time)
                ? $"{time}Z" : value?.DeepClone();
        }
        foreach (var id in new[] { "_document_id", "uuid" })
            back[id] ??= $"given-back-{index}";
        return back;
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NoOffset();

    [GeneratedRegex("^[a-z_]+ is [a-z]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Kind();
}
