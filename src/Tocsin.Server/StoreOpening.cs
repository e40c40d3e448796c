using Tocsin.Access;
using Tocsin.Engines.Postgres;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Server.Configuration;

namespace Tocsin.Server;

/// <summary>The store that the configuration names, and what of it stands in the data folder.</summary>
internal static class StoreOpening
{
    /// <summary>
    /// Throws <see cref="JournalOpenException"/>, having changed nothing, when it cannot be opened. <paramref name="wentBack"/> is told when others took the journal
    /// back behind what was read of it: then what is in memory is wrong, and nothing but a new start mends it.
    /// </summary>
    public static async Task<IJournalStore> OpenAsync(ServerOptions options, Action<string> wentBack, ILoggerFactory logs, TimeProvider time, CancellationToken cancellation)
    {
        if (options.StoreEngine != ServerOptions.Postgres)
            return Embedded(options.Data, time, new SqliteOptions { Logger = logs.CreateLogger<SqliteJournalStore>() });
        var store = await PostgresJournalStore.OpenAsync(options.StoreConnection!, time, new PostgresOptions { Logger = logs.CreateLogger<PostgresJournalStore>(), WentBack = wentBack }, cancellation);
        try
        {
            if (await JournalCopy.IsUnfinishedAsync(store, cancellation))
                throw new JournalOpenException("A copy into this database was begun and not finished: run tocsin store copy again, or name another database in store.connection.");
            // The admin token is still a file of this node's own, in a folder for its owner alone.
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(options.Data);
            else
                Directory.CreateDirectory(options.Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return store;
        }
        catch (Exception error)
        {
            await store.DisposeAsync();
            if (IsOfFolder(error))
                throw NotWritable(options.Data, error);
            throw;
        }
    }

    /// <summary>The store in a data folder. Throws as <see cref="OpenAsync"/> does.</summary>
    public static IJournalStore Embedded(string folder, TimeProvider time, SqliteOptions? options = null)
    {
        try
        {
            return SqliteJournalStore.Open(folder, time, options);
        }
        catch (Exception error) when (IsOfFolder(error))
        {
            throw NotWritable(folder, error);
        }
    }

    /// <summary>The admin token, whose file stands in the data folder. Throws as <see cref="OpenAsync"/> does.</summary>
    public static async Task<AdminToken> TokenAsync(EventJournal journal, string folder, string? given, CancellationToken cancellation)
    {
        try
        {
            return await AdminToken.EstablishAsync(journal, folder, given, cancellation);
        }
        catch (Exception error) when (IsOfFolder(error))
        {
            throw NotWritable(folder, error);
        }
    }

    private static bool IsOfFolder(Exception error) => error is IOException or UnauthorizedAccessException;

    private static JournalOpenException NotWritable(string folder, Exception error) =>
        new($"The data folder {folder} is not writable ({error.Message.TrimEnd('.')}): give it to the user that runs Tocsin, or choose another with --data.", error);
}
