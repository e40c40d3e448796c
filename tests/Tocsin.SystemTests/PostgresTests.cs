using System.Net;
using System.Text;
using Tocsin.Tests.Engines;

namespace Tocsin.SystemTests;

/// <summary>The service on PostgreSQL: the same doors, the same answers.</summary>
public sealed class PostgresTests : IAsyncLifetime
{
    private PostgresCluster _server = null!;
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresCluster.StartAsync(isDurable: true);
        _connection = await _server.CreateDatabaseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_is_pushed_is_answered_found_counted_and_there_after_a_restart_and_another_node_shows_it()
    {
        using var home = Home();
        await using (var service = await ServerProcess.StartAsync(home))
        {
            (await PushAsync(service, """{"type":"auth.failed","external_id":"x-1","user_id":"4506","priority":"high","data":{"n":1.10}}""")).ShouldBe(HttpStatusCode.Created);
            (await PushAsync(service, """{"type":"auth.failed","external_id":"x-1","user_id":"4506","priority":"high","data":{"n":1.10}}""")).ShouldBe(HttpStatusCode.OK);
            var store = (await service.JsonAsync("/health")).GetProperty("store");
            (store.GetProperty("engine").GetString(), store.GetProperty("status").GetString()).ShouldBe(("postgres", "healthy"));
            store.GetProperty("version").GetString()!.ShouldMatch(@"^\d+\.\d+");
        }
        using var second = Home();
        await using var again = await ServerProcess.StartAsync(home);
        await using var other = await ServerProcess.StartAsync(second);
        foreach (var service in new[] { again, other })
        {
            var found = (await service.JsonAsync("/events?type=auth.*&user_id=4506")).EnumerateArray().ToArray();
            found.ShouldHaveSingleItem().GetProperty("data").GetRawText().ShouldBe("""{"n":1.10}""");
            (await service.JsonAsync("/stats?by=type")).GetProperty("total").GetInt32().ShouldBe(1);
        }
        // What one node takes shows on the other at once.
        (await PushAsync(again, """{"type":"new","external_id":"x-2"}""")).ShouldBe(HttpStatusCode.Created);
        await Eventually.BeAsync("the other node shows it", TimeSpan.FromSeconds(5), async () => (await other.JsonAsync("/events?type=new")).GetArrayLength() == 1);
        (await PushAsync(other, """{"type":"new","external_id":"x-2"}""")).ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>A restored backup, or a standby that had not got everything: what is in memory is of a past that is no more.</summary>
    [Fact]
    public async Task A_journal_that_went_back_ends_the_service_and_a_new_start_shows_what_is_there()
    {
        using var home = Home();
        await using (var service = await ServerProcess.StartAsync(home))
        {
            (await PushAsync(service, """{"type":"kept"}""")).ShouldBe(HttpStatusCode.Created);
            (await PushAsync(service, """{"type":"lost"}""")).ShouldBe(HttpStatusCode.Created);
            await _server.ExecuteAsync("BEGIN; DELETE FROM tocsin.event WHERE type = 'lost'; DELETE FROM tocsin.batch WHERE first_sequence = (SELECT sequence FROM tocsin.head); UPDATE tocsin.head SET sequence = sequence - 1; COMMIT", _connection);
            var end = await service.Process.ExitAsync();
            end.Code.ShouldBe(1, end.ToString());
            (end.Out + end.Err).ShouldContain("went back from sequence");
        }
        await using var again = await ServerProcess.StartAsync(home);
        (await again.JsonAsync("/events?kind=audit&source=admin")).EnumerateArray().Select(e => e.GetProperty("type").GetString()).ShouldBe(["kept"]);
    }

    [Fact]
    public async Task While_the_server_is_away_pushes_are_refused_and_when_it_is_back_they_are_taken_again()
    {
        using var home = Home();
        await using var service = await ServerProcess.StartAsync(home);
        (await PushAsync(service, """{"type":"before"}""")).ShouldBe(HttpStatusCode.Created);
        await _server.KillAsync(withBackends: true);
        (await PushAsync(service, """{"type":"meanwhile"}""")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        await _server.StartAsync();
        await Eventually.BeAsync("it takes pushes again", TimeSpan.FromSeconds(30), async () => await PushAsync(service, """{"type":"after"}""") == HttpStatusCode.Created);
        (await service.JsonAsync("/events?type=before")).GetArrayLength().ShouldBe(1);
        (await service.JsonAsync("/events?type=meanwhile")).GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=u;Password=hunter2", "PostgreSQL at 127.0.0.1:1 cannot be reached")]
    [InlineData("hunter2", "store.connection cannot be read")]
    public async Task A_database_that_cannot_be_used_is_one_sentence_and_exit_1(string connection, string expected)
    {
        using var home = Home(connection);
        var end = await TocsinProcess.RunAsync(home.Folder, home.Environment, "serve", "--data", home.Data, "--urls", home.Url);
        end.Code.ShouldBe(1, end.ToString());
        end.Err.Trim().Split('\n').Length.ShouldBe(1, end.ToString());
        end.Err.ShouldContain(expected);
        end.ToString().ShouldNotContain("hunter2");
        Directory.Exists(home.Data).ShouldBeFalse();
    }

    private ServerHome Home(string? connection = null) => new()
    {
        More = new Dictionary<string, string> { ["TOCSIN__STORE__ENGINE"] = "postgres", ["TOCSIN__STORE__CONNECTION"] = connection ?? _connection },
    };

    private static async Task<HttpStatusCode> PushAsync(ServerProcess service, string body)
    {
        using var answer = await service.Http.PostAsync("/event", new StringContent(body, Encoding.UTF8, "application/json"));
        return answer.StatusCode;
    }
}
