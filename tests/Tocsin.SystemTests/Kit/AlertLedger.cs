using System.Net;

namespace Tocsin.SystemTests.Kit;

/// <summary>Compares the alerts that a service shows with those that a mock has made.</summary>
internal static class AlertLedger
{
    /// <summary>What faults put in: kept or not, they are no alerts of the mock's.</summary>
    private const string Extra = "extra-";

    /// <summary>Waits until the service shows every alert once, in its newest version; gives their number.</summary>
    public static async Task<int> ShowsAsync(this ServerProcess server, MockProcess mock, TimeSpan deadline, string source = "alerts")
    {
        var expected = await mock.AlertsAsync();
        string? difference = null;
        await Eventually.BeAsync("the store equals the ledger", deadline, async () => (difference = Difference(expected, await ShownAsync(server, source))) is null,
            () => $"{difference}\n{server.Process.Shown()}");
        return expected.Count;
    }

    /// <summary>Polls now. False when there was nothing to start.</summary>
    public static async Task<bool> SyncAsync(this ServerProcess server)
    {
        var (status, body) = await server.PostAsync("/sync", "");
        status.ShouldBeOneOf(HttpStatusCode.Accepted, HttpStatusCode.Conflict);
        return status == HttpStatusCode.Accepted && body.GetProperty("started").GetArrayLength() > 0;
    }

    /// <summary>The last error of a source; null when there is none.</summary>
    public static async Task<string?> LastErrorAsync(this ServerProcess server, string source = "alerts") =>
        (await server.SourceAsync(source)).GetProperty("last_error").GetString();

    private static async Task<List<(string Id, int Version)>> ShownAsync(ServerProcess server, string source)
    {
        var shown = new List<(string, int)>();
        await foreach (var e in EventWalk.AllAsync(server, $"source={source}", "/alerts"))
            if (e.GetProperty("external_id").GetString() is { } id && !id.StartsWith(Extra, StringComparison.Ordinal))
                shown.Add((id, e.GetProperty("data").GetProperty("version").GetInt32()));
        return shown;
    }

    private static string? Difference(Dictionary<string, int> expected, List<(string Id, int Version)> shown)
    {
        var ids = shown.Select(alert => alert.Id).ToHashSet(StringComparer.Ordinal);
        string[] lost = [.. expected.Keys.Where(id => !ids.Contains(id))];
        string[] twice = [.. shown.GroupBy(alert => alert.Id, StringComparer.Ordinal).Where(alert => alert.Count() > 1).Select(alert => alert.Key)];
        string[] strange = [.. ids.Where(id => !expected.ContainsKey(id))];
        string[] old = [.. shown.Where(alert => expected.GetValueOrDefault(alert.Id) != alert.Version).Select(alert => alert.Id)];
        return lost.Length + twice.Length + strange.Length + old.Length == 0 ? null
            : $"of {expected.Count}: {Some(lost)} lost, {Some(twice)} twice, {Some(strange)} never made, {Some(old)} in another version";
    }

    private static string Some(string[] ids) => ids.Length == 0 ? "0" : $"{ids.Length} ({string.Join(", ", ids.Take(3))})";
}
