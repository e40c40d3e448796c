using System.CommandLine;
using Tocsin.Engines.Postgres;
using Tocsin.Journal;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin store copy</c>: an embedded journal becomes one in PostgreSQL.</summary>
internal static class StoreCommands
{
    private const string ConnectionVariable = "TOCSIN_POSTGRES";

    public static Command Create()
    {
        var to = new Option<string>("--to") { Description = "The engine to copy to", HelpName = "ENGINE", Required = true };
        to.AcceptOnlyFromAmong("postgres");
        var data = new Option<string>("--data") { Description = "The data folder of the embedded store (default: ./data)", HelpName = "DIR", DefaultValueFactory = _ => "./data" };
        var connection = new Option<string?>("--connection") { Description = $"Where PostgreSQL is (default: what stands in {ConnectionVariable}, which others on this machine cannot see)", HelpName = "TEXT" };
        var copy = new Command("copy", """
            Copies the embedded journal, with ids, sequences and state, into an empty PostgreSQL database, then reads both back and compares them.
            Stop the service first. What was interrupted goes on where it stopped when the command is run again. The source stays as it is.
            """)
        {
            to, data, connection,
        }.WithExamples($"""
            {ConnectionVariable}='Host=db;Database=tocsin;Username=tocsin;Password=...' tocsin store copy --to postgres
            tocsin store copy --to postgres --data /var/lib/tocsin --connection 'Host=/var/run/postgresql;Database=tocsin'
            """);
        copy.SetAction((parsed, cancellation) => CopyAsync(parsed.GetValue(data)!, parsed.GetValue(connection) ?? Environment.GetEnvironmentVariable(ConnectionVariable), cancellation));
        return new Command("store", "Moves the journal between stores") { copy };
    }

    private static async Task<int> CopyAsync(string data, string? connection, CancellationToken cancellation)
    {
        if (string.IsNullOrWhiteSpace(connection))
        {
            await Console.Error.WriteLineAsync($"Say where PostgreSQL is, in {ConnectionVariable} or with --connection: Host=db;Database=tocsin;Username=tocsin;Password=...");
            return ExitCode.Usage;
        }
        if (!File.Exists(Path.Combine(data, "journal.db")))
            return ExitCode.Fail($"There is no embedded journal in {data}: name the data folder with --data.");
        try
        {
            await using var source = StoreOpening.Embedded(data, TimeProvider.System);
            await using var target = await PostgresJournalStore.OpenAsync(connection, TimeProvider.System, new PostgresOptions { CopyOf = source.Info }, cancellation);
            var progress = new Progress(TimeProvider.System);
            CopyResult result;
            try
            {
                result = await new JournalCopy(source, target).RunAsync(progress, cancellation);
            }
            finally
            {
                progress.End();
            }
            await Console.Out.WriteLineAsync($"""
                {result.Entries:N0} entries and {result.StateRows:N0} rows of state are in PostgreSQL, read back and equal.
                  entries  sha256 {result.EntriesDigest}
                  state    sha256 {result.StateDigest}
                Set  store: {"{ engine: postgres, connection: \"${env:" + ConnectionVariable + "}\" }"}  and keep the data folder: admin.token stands there.
                """);
            return ExitCode.Ok;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ExitCode.Fail("Interrupted. Run the command again: it goes on from there.");
        }
        catch (Exception error) when (error is JournalOpenException or JournalUnavailableException or JournalCopyException)
        {
            return ExitCode.Fail(error.Message);
        }
    }

    /// <summary>A line that moves, once in a while, where a person looks.</summary>
    private sealed class Progress(TimeProvider time) : IProgress<CopyProgress>
    {
        private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(200);
        private readonly bool _isShown = !Console.IsErrorRedirected;
        private long _shownAt;
        private (long At, long Entries, bool IsVerifying) _began = (0, -1, false);

        public void Report(CopyProgress value)
        {
            if (_began.Entries < 0 || _began.IsVerifying != value.IsVerifying)
                _began = (time.GetTimestamp(), value.Entries, value.IsVerifying);
            if (!_isShown || (time.GetElapsedTime(_shownAt) < Every && value.Entries < value.Of))
                return;
            _shownAt = time.GetTimestamp();
            var rate = (value.Entries - _began.Entries) / Math.Max(time.GetElapsedTime(_began.At).TotalSeconds, 0.001);
            Console.Error.Write($"\r{(value.IsVerifying ? "compared" : "copied")} {value.Entries:N0} of {value.Of:N0} entries, {rate:N0}/s   ");
        }

        public void End()
        {
            if (_isShown)
                Console.Error.WriteLine();
        }
    }
}
