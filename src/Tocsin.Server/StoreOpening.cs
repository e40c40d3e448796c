using Tocsin.Engines.Postgres;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Server.Configuration;

namespace Tocsin.Server;

/// <summary>The store that the configuration names.</summary>
internal static class StoreOpening
{
    /// <summary>
    /// Throws <see cref="JournalOpenException"/>, having changed nothing, when it cannot be opened. <paramref name="wentBack"/> is told when others took the journal
    /// back behind what was read of it: then what is in memory is wrong, and nothing but a new start mends it.
    /// </summary>
    public static async Task<IJournalStore> OpenAsync(ServerOptions options, Action<string> wentBack, ILoggerFactory logs, TimeProvider time, CancellationToken cancellation)
    {
        if (options.StoreEngine != ServerOptions.Postgres)
            return SqliteJournalStore.Open(options.Data, time, new SqliteOptions { Logger = logs.CreateLogger<SqliteJournalStore>() });
        var store = await PostgresJournalStore.OpenAsync(options.StoreConnection!, time, new PostgresOptions { Logger = logs.CreateLogger<PostgresJournalStore>(), WentBack = wentBack }, cancellation);
        if (await JournalCopy.IsUnfinishedAsync(store, cancellation))
        {
            await store.DisposeAsync();
            throw new JournalOpenException("A copy into this database was begun and not finished: run tocsin store copy again, or name another database in store.connection.");
        }
        // The admin token is still a file of this node's own, in a folder for its owner alone.
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(options.Data);
        else
            Directory.CreateDirectory(options.Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return store;
    }
}
