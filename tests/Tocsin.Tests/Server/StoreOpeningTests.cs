using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tocsin.Journal;
using Tocsin.Server;
using Tocsin.Server.Configuration;
using Tocsin.Tests.Engines;

namespace Tocsin.Tests.Server;

/// <summary>A data folder that is of no use: one sentence that names it and says what to do, and nothing stays open. Root may write where permissions forbid it, so something is in the way here.</summary>
public sealed class StoreOpeningTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_that_cannot_be_made_beside_a_database_is_told_and_the_database_is_let_go()
    {
        var server = await PostgresCluster.SharedAsync();
        var connection = await server.CreateJournalAsync();
        File.WriteAllText(_folder.File("a-file"), "in the way");
        var data = _folder.File("a-file/data");

        await RefusedAsync(Options(data) with { StoreEngine = ServerOptions.Postgres, StoreConnection = connection }, data);

        // Which it refuses while anybody is connected.
        await server.ExecuteAsync($"DROP DATABASE {new NpgsqlConnectionStringBuilder(connection).Database}");
    }

    [Fact]
    public async Task A_folder_within_that_cannot_be_made_is_told()
    {
        File.WriteAllText(_folder.File("segments"), "in the way");
        await RefusedAsync(Options(_folder.Path), _folder.Path);
    }

    [Fact]
    public async Task A_token_that_cannot_be_written_is_told_and_the_folder_is_let_go()
    {
        Directory.CreateDirectory(_folder.File("admin.token"));
        var error = await Should.ThrowAsync<JournalOpenException>(() => Composition.StartAsync(Options(_folder.Path), [], null, NullLoggerFactory.Instance, TimeProvider.System, default));
        Sentence(error, _folder.Path);
        error.Message.ShouldContain("admin.token");
        Directory.Delete(_folder.File("admin.token"));
        await (await Composition.StartAsync(Options(_folder.Path), [], null, NullLoggerFactory.Instance, TimeProvider.System, default)).DisposeAsync();
    }

    private ServerOptions Options(string data) => new() { Data = data, Sources = _folder.File("none"), Urls = ["http://127.0.0.1:0"] };

    private static async Task RefusedAsync(ServerOptions options, string data) =>
        Sentence(await Should.ThrowAsync<JournalOpenException>(() => StoreOpening.OpenAsync(options, _ => { }, NullLoggerFactory.Instance, TimeProvider.System, default)), data);

    private static void Sentence(JournalOpenException error, string data)
    {
        error.Message.ShouldStartWith($"The data folder {data} is not writable (");
        error.Message.ShouldEndWith("): give it to the user that runs Tocsin, or choose another with --data.");
        error.Message.ShouldNotContain("\n");
    }
}
