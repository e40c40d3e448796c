using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class SourceFileTests
{
    [Fact]
    public void What_a_file_leaves_out_has_its_default()
    {
        var source = SomeSource.Valid(SomeSource.Yaml());

        source.Enabled.ShouldBeTrue();
        source.AllowPrivate.ShouldBeFalse();
        source.Auth.ShouldBeNull();
        source.Every.ShouldBeNull();
        source.Timeout.ShouldBe(TimeSpan.FromSeconds(10));
        source.Retry.ShouldBe(new RetryDefinition(5, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)));
        source.Identities.ShouldBeNull();
        source.Records.ToString().ShouldBe(".");
        source.MaxBodyBytes.ShouldBe(32 * 1024 * 1024);
        source.File.ShouldBe("example.yaml");
        source.Requests.ShouldHaveSingleItem().Set.ShouldBeEmpty();
    }

    [Fact]
    public void What_a_file_says_is_taken()
    {
        var source = SomeSource.Valid(SomeSource.Yaml("""
            enabled: false
            allow_private: true
            every: 250ms
            timeout: 1500ms
            retry: { attempts: 3, min_wait: 10ms, max_wait: 2s }
            identities: { get: /identities/ }
            records: data.items[0]
            max_body: 64KiB
            """));

        source.Enabled.ShouldBeFalse();
        source.AllowPrivate.ShouldBeTrue();
        source.Every.ShouldBe(TimeSpan.FromMilliseconds(250));
        source.Timeout.ShouldBe(TimeSpan.FromMilliseconds(1500));
        source.Retry.ShouldBe(new RetryDefinition(3, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(2)));
        source.Identities.ShouldBe(new IdentitiesDefinition { Get = "/identities/" });
        source.Records.ToString().ShouldBe("data.items[0]");
        source.MaxBodyBytes.ShouldBe(65536);
    }

    [Theory]
    [InlineData("max_wait: 500ms", 500, 500)]
    [InlineData("min_wait: 1m", 60_000, 60_000)]
    [InlineData("min_wait: 2s", 2000, 30_000)]
    public void One_wait_alone_moves_the_default_of_the_other_out_of_its_way(string yaml, int min, int max) =>
        SomeSource.Valid(SomeSource.Yaml($"retry: {{ {yaml} }}")).Retry.ShouldBe(new RetryDefinition(5, TimeSpan.FromMilliseconds(min), TimeSpan.FromMilliseconds(max)));

    [Theory]
    [InlineData("http://127.0.0.1:9001", "", true)]
    [InlineData("http://incidents.example.com", "allow_private: false", true)]
    [InlineData("https://10.0.0.1/api", "allow_private: true", true)]
    [InlineData("https://incidents.example.com/api/", "", false)]
    [InlineData("https://8.8.8.8", "", false)]
    public void Http_or_the_line_is_consent_to_private_addresses(string url, string line, bool allowed) =>
        SomeSource.Valid(SomeSource.Yaml(line).Replace("https://incidents.example.com", url, StringComparison.Ordinal)).AllowPrivate.ShouldBe(allowed);

    [Fact]
    public void An_identities_file_is_relative_to_the_file_that_names_it()
    {
        var folder = Directory.CreateTempSubdirectory();
        File.WriteAllText(Path.Combine(folder.FullName, "who.csv"), "ip,user_id\n");
        File.WriteAllText(Path.Combine(folder.FullName, "a.yaml"), SomeSource.Yaml("identities: { file: ./who.csv }"));

        var result = SourceFile.Read(Path.Combine(folder.FullName, "a.yaml"), SomeSource.Secrets);

        result.Source.ShouldNotBeNull().Identities!.File.ShouldBe(Path.Combine(folder.FullName, "who.csv"));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void A_request_keeps_its_id_when_another_with_the_same_path_is_added_below()
    {
        var requests = SomeSource.Valid(SomeSource.Yaml().Replace("[ { get: /incidents/ } ]",
            "[ { get: /a, set: { type: x } }, { get: /a, set: { type: y, device: d } }, { get: \"/b?key=${env:TOKEN}\" } ]", StringComparison.Ordinal)).Requests;

        requests.Select(request => request.Id).ShouldBe(["/a", "/a device=d type=y", "/b?key=${env:TOKEN}"]);
        requests[2].Get.ShouldBe("/b?key=" + SomeSource.TokenValue);
        requests[2].ToString().ShouldNotContain(SomeSource.TokenValue);
    }

    [Fact]
    public void The_ready_made_incident_source_has_seven_requests_and_asks_as_a_user()
    {
        var result = SourceFile.Read(Path.Combine(AppContext.BaseDirectory, "sources", "elevate.yaml"), SomeSource.Secrets);

        result.Errors.ShouldBeEmpty();
        var source = result.Source.ShouldNotBeNull();
        source.Name.ShouldBe("elevate");
        source.BaseUrl.ShouldBe(new Uri("http://127.0.0.1:9001"));
        source.Auth.ShouldBe(new BasicAuth("tocsin", SomeSource.PasswordValue));
        source.Requests.Select(request => request.Get).ShouldBe(source.Requests.Select(request => $"/incidents/{request.Set["type"]}/"));
        source.Requests.Count.ShouldBe(7);
        source.Identities!.Get.ShouldBe("/identities/");
        source.Records.ToString().ShouldBe("results");
        source.Maps.ShouldHaveSingleItem().UserId!.Paths.Count.ShouldBe(6);
    }

    [Fact]
    public void Carriage_returns_and_a_byte_order_mark_do_no_harm() =>
        SomeSource.Valid("\uFEFF" + SomeSource.Yaml("every: 5m").ReplaceLineEndings("\r\n")).Every.ShouldBe(TimeSpan.FromMinutes(5));

    [Fact]
    public void A_file_that_is_not_there_or_no_text_is_one_mistake()
    {
        SourceFile.Read("/no/such.yaml", SomeSource.Secrets).Errors.ShouldHaveSingleItem().ToString().ShouldBe("/no/such.yaml: no such file");
        var path = Path.GetTempFileName();
        File.WriteAllBytes(path, [0x6E, 0xFF, 0xFE]);
        SourceFile.Read(path, SomeSource.Secrets).Errors.ShouldHaveSingleItem().Message.ShouldBe("is not UTF-8 text");
        File.Delete(path);
    }
}
