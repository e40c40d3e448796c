using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tocsin.Engines.Postgres;

/// <summary>
/// Learns what other nodes commit: at once by a notification, and by asking every so often, for the notification may be lost with a connection. Its own
/// connection; when the server is away, or says what cannot be, it tries until that is over. It also sends away who stands still in the middle of a commit.
/// </summary>
internal sealed partial class Follower : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);

    private readonly PostgresDatabase _database;
    private readonly PostgresOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<Guid> _self;
    private readonly Action<long, IReadOnlyList<string>> _tell;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;
    private readonly Func<long> _head;
    private Guid _node;
    private long _version;

    /// <summary>
    /// Starts to follow. <paramref name="self"/>: who this node is now, and so whose state is no news; <paramref name="head"/>: what it knows to be committed;
    /// <paramref name="version"/>: what others wrote to state up to it is known; <paramref name="tell"/> is told the head and the names of newer state.
    /// </summary>
    public Follower(PostgresDatabase database, PostgresOptions options, TimeProvider time, Func<Guid> self, Func<long> head, long version, Action<long, IReadOnlyList<string>> tell)
    {
        (_database, _options, _time, _self, _head, _tell, _node, _version) = (database, options, time, self, head, tell, self(), version);
        _following = Task.Run(FollowAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        var isLost = false;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await _database.OpenFollowerAsync(_stop.Token);
                await Sql.ExecuteAsync(connection, "LISTEN tocsin", _stop.Token);
                if (isLost)
                    Log.Found(_options.Logger);
                isLost = false;
                var stalled = new StalledCommits(_time);
                // What is told while a look is answered is not told again to who waits after it.
                var isTold = false;
                connection.Notification += (_, _) => isTold = true;
                while (true)
                {
                    isTold = false;
                    if (!await LookAsync(connection))
                        return;
                    if (await stalled.SendAwayAsync(connection, _stop.Token) is > 0 and var sent)
                        Log.SentAway(_options.Logger, sent);
                    if (!isTold)
                        await connection.WaitAsync(_options.PollInterval, _stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // Whatever it is: a node that no longer follows would show what is old for ever, and say nothing.
                if (!isLost)
                    Log.Lost(_options.Logger, PostgresFaults.Describe(error));
                isLost = true;
                await PauseAsync();
            }
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(Retry, _time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop: the loop ends.
        }
    }

    /// <summary>False when the journal went back: nothing that this node knows can be trusted then.</summary>
    private async Task<bool> LookAsync(NpgsqlConnection connection)
    {
        var node = _self();
        // This node is somebody else since: what it wrote before may have gone by as its own, and it does not know of it.
        var after = node == _node ? _version : -1;
        var known = _head();
        var heads = await Sql.ListAsync(connection, "SELECT sequence, version FROM tocsin.head", static row => (row.GetInt64(0), row.GetInt64(1)), _stop.Token);
        if (heads is not [var (head, version)])
            throw new IOException("the table tocsin.head is empty");
        if (head < known || version < _version)
        {
            var sentence = head < known ? Back("sequence", known, head) : Back("version of state", _version, version);
            Log.WentBack(_options.Logger, sentence);
            _options.WentBack?.Invoke(sentence);
            return false;
        }
        IReadOnlyList<string> names = [];
        if (version > after)
            names = await Sql.ListAsync(connection, "SELECT DISTINCT name FROM tocsin.state_change WHERE version > $1 AND version <= $2 AND node <> $3 ORDER BY name",
                static row => EventRows.Text(row, 0)!, _stop.Token, after, version, node);
        _tell(head, names);
        (_node, _version) = (node, version);
        return true;
    }

    private static string Back(string what, long from, long to) => string.Create(CultureInfo.InvariantCulture,
        $"The journal in PostgreSQL went back from {what} {from} to {to}: a backup was restored, or a standby took over that had not got everything. What this node remembers no longer fits, and it must be restarted.");

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "PostgreSQL cannot be followed, what other nodes write shows late: {Error}")]
        public static partial void Lost(ILogger logger, string error);

        [LoggerMessage(2, LogLevel.Information, "PostgreSQL is followed again")]
        public static partial void Found(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "A node stood still in the middle of a commit and stopped the others: its connection was closed ({Count})")]
        public static partial void SentAway(ILogger logger, int count);

        [LoggerMessage(4, LogLevel.Critical, "{Sentence}")]
        public static partial void WentBack(ILogger logger, string sentence);
    }
}
