using Microsoft.Extensions.Logging;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>
/// Seals full partitions in the background, oldest first. Each step leaves a state from which a start goes on: files that nothing refers to are removed,
/// a partition that is marked sealed is read from its files, and a table that is still there then is dropped.
/// </summary>
internal sealed partial class SegmentKeeper : IAsyncDisposable
{
    /// <summary>Full partitions whose index may wait in memory (some 25 MB each); then commits wait for the sealing.</summary>
    public const int MaxWaiting = 4;

    /// <summary>Rows deleted in one step between commits: a few milliseconds.</summary>
    private const int DropRows = 2_000;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly SqliteWriter _writer;
    private readonly SegmentBuilder _builder;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _rolled = new(0);
    /// <summary>Tables of sealed partitions in the order of sealing, and when the last reader has left them.</summary>
    private readonly List<(Task Left, string Table)> _toDrop = [];
    private readonly Task _work;
    private Task _nextRolled = Task.CompletedTask;
    private TaskCompletionSource _advanced = NewSignal();

    public SegmentKeeper(SqliteWriter writer, SegmentBuilder builder, TimeProvider time, ILogger logger)
    {
        (_writer, _builder, _time, _logger) = (writer, builder, time, logger);
        _work = Task.Run(RunAsync);
    }

    /// <summary>Why the last sealing failed; null when it did not.</summary>
    public string? Error { get; private set; }

    /// <summary>A partition is full.</summary>
    public void Rolled() => _rolled.Release();

    /// <summary>
    /// Completes when few enough full partitions wait. Throws <see cref="Journal.JournalUnavailableException"/> when they cannot be sealed: memory must not
    /// grow without end.
    /// </summary>
    public async ValueTask WaitForRoomAsync()
    {
        while (_writer.WaitingPartitions >= MaxWaiting)
        {
            var signal = Volatile.Read(ref _advanced);
            if (_writer.WaitingPartitions < MaxWaiting)
                return;
            if (Error is { } error)
                throw new Journal.JournalUnavailableException($"Full partitions cannot be sealed: {error}");
            if (_stop.IsCancellationRequested)
                throw new Journal.JournalUnavailableException("The journal is closed.");
            await signal.Task;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        Advance();
        _stop.Dispose();
        _rolled.Dispose();
    }

    private async Task RunAsync()
    {
        var isBegun = false;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (!isBegun)
                    _toDrop.AddRange(_writer.TablesToDrop().Select(static table => (Task.CompletedTask, table)));
                isBegun = true;
                await WorkAsync();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                Error = FaultText.Of(error);
                Log.Failed(_logger, error.Message);
                Advance();
                await Task.Delay(RetryAfter, _time, _stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        }
    }

    /// <summary>Seals what is full, and only then drops what nobody reads any more: those who commit wait for the one, nobody for the other.</summary>
    private async Task WorkAsync()
    {
        // One that a failure left behind would take the signal that the next waits for.
        if (_nextRolled.IsCompleted)
            _nextRolled = _rolled.WaitAsync(_stop.Token);
        while (_writer.NextToSeal() is { } partition)
            Seal(partition);
        Error = null;
        while (_toDrop is [(var left, var table), ..])
        {
            // In the order of sealing, so that the first is left first.
            if (await Task.WhenAny(left, _nextRolled) != left || !await DropAsync(table))
                break;
            _toDrop.RemoveAt(0);
        }
        await _nextRolled;
    }

    private void Seal(Partition partition)
    {
        var start = _time.GetTimestamp();
        var segment = _builder.Build(partition, _writer.LastOf(partition), _writer.Head, _stop.Token);
        Task left;
        try
        {
            left = _writer.Adopt(partition, segment);
        }
        catch
        {
            segment.Dispose();
            throw;
        }
        _toDrop.Add((left, partition.Table.Name));
        Error = null;
        Advance();
        Log.Sealed(_logger, partition.Number, partition.Columns!.Count, _time.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <summary>
    /// A few rows at a time, between commits: to drop a whole table at once would hold up everybody. False when it is not gone yet, but full
    /// partitions are more urgent: not for ever, since the journal grows by what is not dropped.
    /// </summary>
    private async Task<bool> DropAsync(string table)
    {
        while (_writer.DropSome(table, DropRows))
        {
            _stop.Token.ThrowIfCancellationRequested();
            if (_toDrop.Count <= MaxWaiting && _writer.WaitingPartitions >= MaxWaiting / 2)
                return false;
            await Task.Yield();
        }
        return true;
    }

    private void Advance() => Interlocked.Exchange(ref _advanced, NewSignal()).TrySetResult();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(50, LogLevel.Debug, "Sealed partition {Number}: {Rows} events in {Milliseconds:F0} ms")]
        public static partial void Sealed(ILogger logger, int number, int rows, double milliseconds);

        [LoggerMessage(51, LogLevel.Error, "A full partition could not be sealed; it stays in the journal, and is tried again: {Error}")]
        public static partial void Failed(ILogger logger, string error);
    }
}
