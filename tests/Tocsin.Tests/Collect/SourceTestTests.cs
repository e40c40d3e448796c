using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

/// <summary>A trial run of a source, without the service.</summary>
public sealed class SourceTestTests
{
    [Fact]
    public async Task Identities_of_more_addresses_than_are_taken_are_an_error_of_their_call()
    {
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "who.csv");
        await File.WriteAllLinesAsync(file, Enumerable.Range(0, IdentityDirectory.MaxAddresses + 1).Select(i => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255},7").Prepend("ip,user_id"));
        await using var stub = await StubUpstream.StartAsync(context => StubUpstream.JsonAsync(context, "[]"));
        var source = SomeSource.Valid(SomeSource.Yaml($"identities: {{ file: \"{file}\" }}").Replace("https://incidents.example.com", stub.Url, StringComparison.Ordinal));
        var calls = await Test(source).RunAsync(default).ToListAsync();
        calls[0].Error.ShouldNotBeNull().ShouldContain("1,000,000 addresses");
        calls[1].Error.ShouldBeNull();
    }

    [Fact]
    public void What_it_asks_is_shown_without_what_came_by_reference()
    {
        static string Shown(string baseUrl, string more) =>
            Test(SomeSource.Read(SomeSource.Yaml(more).Replace("https://incidents.example.com", baseUrl, StringComparison.Ordinal)).Source.ShouldNotBeNull()).Upstream;
        Shown("https://incidents.example.com/hooks/${env:TOKEN}/api", "").ShouldBe("https://incidents.example.com/hooks/***/api (no auth)");
        Shown("https://incidents.example.com/api", "auth: { basic: { username: reader, password: \"${env:PASSWORD}\" } }").ShouldBe("https://incidents.example.com/api (basic reader:***)");
        Shown("\"${env:ELEVATE_URL}\"", "").ShouldBe("http://127.0.0.1:9001/ (no auth)");
    }

    private static SourceTest Test(SourceDefinition source) =>
        new(source, new IdentityDirectory(), new Countries(), new JournalInfo("none", "", Guid.Empty, new byte[32]), new FakeTimeProvider());
}
