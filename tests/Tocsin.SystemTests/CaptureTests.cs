using System.Net;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>The recorded answers of the real upstream, served as they are.</summary>
public sealed class CaptureTests
{
    /// <summary>Every call takes this long, as a single one of the real upstream does.</summary>
    private const int LatencyMilliseconds = 1500;

    /// <summary>The figures are printed; what is asserted leaves room for a machine that others use as well.</summary>
    private const int GenerousMilliseconds = 500;

    [Fact]
    public async Task The_board_of_the_recorded_traffic_equals_an_independent_grouping_digit_for_digit()
    {
        var capture = Shared.CaptureOrSkip();
        var expected = Recorded(capture);
        expected.Count.ShouldBe(2_100);
        expected.DistinctBy(incident => incident.Employee).Count().ShouldBe(1_722);
        await using var mock = await MockProcess.StartAsync("--replay", capture);
        using var home = new ServerHome(new SourceYaml(mock.Url));
        await using var server = await ServerProcess.StartAsync(home);

        var board = await server.CompleteAsync();

        Board.Difference(expected, board.Incidents()).ShouldBeNull();
        board.Incidents().ShouldNotContain(incident => incident.Employee == Board.Unknown);
        board.Incidents().GroupBy(incident => incident.Employee).Max(employee => employee.Count()).ShouldBe(4);
        board.AsOf.ShouldNotBeNull();
        board.Sequence.ShouldBe(2_100);
        Figures.Print($"capture: {expected.Count} incidents, {board.Json.EnumerateObject().Count()} employees, {board.Body.Length} bytes, equal to the independent grouping");
    }

    [Fact]
    public async Task While_every_call_takes_a_second_and_a_half_the_board_answers_at_once_and_says_that_it_is_incomplete()
    {
        var capture = Shared.CaptureOrSkip();
        var expected = Recorded(capture);
        await using var mock = await MockProcess.StartAsync("--replay", capture, "--latency", $"{LatencyMilliseconds}ms");
        using var home = new ServerHome(new SourceYaml(mock.Url) { Every = "2s" });
        await using var server = ServerProcess.Launch(home);

        await Eventually.BeAsync("the port listens", TimeSpan.FromSeconds(20), async () => (await server.BoardAsync()).Status == HttpStatusCode.OK);
        var listens = TimeProvider.System.GetElapsedTime(server.Process.StartedAt);
        var milliseconds = new List<double>();
        TimeSpan? complete = null;
        string? seen = null;
        await Eventually.DuringAsync(TimeSpan.FromSeconds(5), async () =>
        {
            var asked = TimeProvider.System.GetTimestamp();
            var board = await server.BoardAsync();
            if (TimeProvider.System.GetElapsedTime(server.Process.StartedAt) - listens > TimeSpan.FromSeconds(1))
                milliseconds.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
            board.Status.ShouldBe(HttpStatusCode.OK);
            if (board.Incomplete is null)
            {
                complete ??= TimeProvider.System.GetElapsedTime(server.Process.StartedAt);
                board.AsOf.ShouldNotBeNull();
                if (board.ETag != seen)
                    Board.Difference(expected, board.Incidents()).ShouldBeNull("nothing is missing once nothing is said to be");
                seen = board.ETag;
            }
            else
            {
                complete.ShouldBeNull("complete once is complete for good");
                board.Incomplete.ShouldBe("elevate");
                board.AsOf.ShouldBeNull("as of no time while a source has never finished");
            }
        });

        complete.ShouldNotBeNull();
        var p99 = Figures.Percentile(milliseconds, 0.99);
        Figures.Print($"first complete board with {LatencyMilliseconds} ms a call: {complete.Value.TotalMilliseconds - LatencyMilliseconds:F0} ms past the slowest call counted from the start of the process, {(complete.Value - listens).TotalMilliseconds - LatencyMilliseconds:F0} ms from when the port listens");
        Figures.Print($"/incidents meanwhile, from 1 s after the port listens: p99 {p99:F1} ms of {milliseconds.Count} answers");
        // The least that a call after another would cost.
        complete.Value.TotalMilliseconds.ShouldBeLessThan(2 * LatencyMilliseconds + listens.TotalMilliseconds);
        p99.ShouldBeLessThan(GenerousMilliseconds);
    }

    private static List<Incident> Recorded(string folder)
    {
        var identities = Board.Identities(JsonElement.Parse(File.ReadAllBytes(Path.Combine(folder, "identities.json"))));
        return Board.Group(SourceYaml.AllTypes.SelectMany(type =>
            JsonElement.Parse(File.ReadAllBytes(Path.Combine(folder, type + ".json"))).GetProperty("results").EnumerateArray().Select(record => (type, record))), identities);
    }
}
