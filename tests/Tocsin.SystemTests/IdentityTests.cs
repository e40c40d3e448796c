using System.Net;

namespace Tocsin.SystemTests;

/// <summary>People whose addresses become known late.</summary>
public sealed class IdentityTests
{
    private const string Gap = """{"identity_gap":0.33}""";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Incidents_of_missing_identities_stand_under_unknown_and_move_when_the_mapping_comes()
    {
        await using var mock = await MockProcess.StartAsync();
        await mock.SetAsync(Gap);
        using var home = new ServerHome(new SourceYaml(mock.Url));
        await using var server = await ServerProcess.StartAsync(home);
        var before = await server.CompleteAsync();
        var incidents = before.Incidents();
        Board.Difference(await mock.BoardAsync(), incidents).ShouldBeNull();
        var unknown = incidents.Count(incident => incident.Employee == Board.Unknown);
        unknown.ShouldBeGreaterThan(200);

        await mock.CalmAsync();
        var mended = TimeProvider.System.GetTimestamp();
        var after = await server.ShowsAsync(await mock.BoardAsync(), Soon);

        var took = TimeProvider.System.GetElapsedTime(mended);
        Figures.Print($"{unknown} of {incidents.Count} incidents under unknown; all at their people {took.TotalMilliseconds:F0} ms after the mapping is there to be polled (every 500 ms)");
        after.Incidents().ShouldNotContain(incident => incident.Employee == Board.Unknown);
        after.ETag.ShouldNotBe(before.ETag);
        after.Sequence.ShouldBe(before.Sequence + unknown, "an amendment each");
        (await server.JsonAsync("/identities?unresolved=true")).GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task They_move_as_well_when_the_mapping_comes_after_a_restart()
    {
        await using var mock = await MockProcess.StartAsync();
        await mock.SetAsync(Gap);
        using var home = new ServerHome(new SourceYaml(mock.Url));
        BoardReply before;
        await using (var first = await ServerProcess.StartAsync(home))
        {
            before = await first.CompleteAsync();
            Board.Difference(await mock.BoardAsync(), before.Incidents()).ShouldBeNull();
            (await first.Process.TerminateAsync()).End.Code.ShouldBe(0);
        }
        await using (var second = await ServerProcess.StartAsync(home))
        {
            var again = await second.BoardAsync();
            again.Body.ShouldBe(before.Body, "the same board after a restart");
            again.ETag.ShouldBe(before.ETag);
            await mock.CalmAsync();
            var after = await second.ShowsAsync(await mock.BoardAsync(), Soon);
            after.ETag.ShouldNotBe(before.ETag);
            before = after;
        }
        await using var third = await ServerProcess.StartAsync(home);
        (await third.BoardAsync()).Body.ShouldBe(before.Body, "moved once, and for good, also over a kill -9");
    }

    [Fact]
    public async Task A_person_assigned_by_hand_gets_what_stood_under_unknown()
    {
        await using var mock = await MockProcess.StartAsync();
        await mock.SetAsync(Gap);
        using var home = new ServerHome(new SourceYaml(mock.Url));
        BoardReply assigned;
        await using (var server = await ServerProcess.StartAsync(home))
        {
            var before = await server.CompleteAsync();
            var row = (await server.JsonAsync("/identities?unresolved=true&limit=1"))[0];
            var (address, count) = (row.GetProperty("ip").GetString()!, row.GetProperty("count").GetInt32());
            var (status, body) = await server.PostAsync("/identities", $$"""{"ip":"{{address}}","user_id":"by-hand"}""");
            status.ShouldBe(HttpStatusCode.Created, body.ToString());

            var identities = await mock.IdentitiesAsync();
            identities[address] = "by-hand";
            assigned = await server.ShowsAsync(Board.Group(await mock.LedgerAsync(), identities), Soon);
            assigned.Incidents().Count(incident => incident.Employee == "by-hand").ShouldBe(count);
            assigned.ETag.ShouldNotBe(before.ETag);
            (await server.JsonAsync($"/identities?ip={address}"))[0].GetProperty("user_id").GetString().ShouldBe("by-hand");
            (await server.JsonAsync($"/identities?unresolved=true&ip={address}")).GetArrayLength().ShouldBe(0);
        }
        await using var again = await ServerProcess.StartAsync(home);
        (await again.BoardAsync()).Body.ShouldBe(assigned.Body);
    }
}
