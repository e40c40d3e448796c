using System.Text;

namespace Tocsin.Journal;

/// <summary>How far a copy is: entries of <paramref name="Of"/>, while it <paramref name="IsVerifying"/> of twice as many reads.</summary>
public readonly record struct CopyProgress(long Entries, long Of, bool IsVerifying);

/// <summary>What was copied, and the hashes that both journals gave.</summary>
public sealed record CopyResult(long Entries, long StateRows, string EntriesDigest, string StateDigest);

/// <summary>The copy cannot be made, or is not what it should be; the message says why. What was copied stays, and a later run goes on from there.</summary>
public sealed class JournalCopyException(string message) : Exception(message);

/// <summary>
/// Copies a journal into another store, with sequences, ids and state: the other is then the same journal. The target must have been made with the id and the key
/// of the source. A copy that was interrupted goes on where the target's head stands. At the end both are read back and compared. Nobody else may write to
/// either meanwhile; a target that is not finished says so (<see cref="IsUnfinishedAsync"/>).
/// </summary>
public sealed class JournalCopy(IJournalStore source, IJournalStore target)
{
    private const int EntriesPerRead = 10_000;
    private const int RowsPerCommit = 1_000;
    private const int BytesPerCommit = 8 << 20;

    /// <summary>Records that are kept aside: each may have a megabyte.</summary>
    private const string LargeRows = "rejects/";

    private const int LargeRowsPerRead = 10;

    private const string StateName = "copy";
    private const string StateKey = "unfinished";

    /// <summary>True for a store that a copy was begun into and not finished.</summary>
    public static async Task<bool> IsUnfinishedAsync(IJournalStore store, CancellationToken cancellation) =>
        await store.GetStateAsync(StateName, StateKey, cancellation) is not null;

    /// <summary>Copies and compares. Throws <see cref="JournalCopyException"/>, or <see cref="JournalUnavailableException"/> when a store is away.</summary>
    public async Task<CopyResult> RunAsync(IProgress<CopyProgress> progress, CancellationToken cancellation)
    {
        if (source.Info.Id != target.Info.Id || !source.Info.DedupeKey.AsSpan().SequenceEqual(target.Info.DedupeKey))
            throw new JournalCopyException("The target holds another journal: name an empty database.");
        if (target.Head > 0 && !await IsUnfinishedAsync(target, cancellation))
            throw new JournalCopyException("The target holds this journal already, finished, and may have been written to since: name an empty database.");
        await CommitAsync(new Append { State = [new StateWrite(StateName, StateKey, Encoding.UTF8.GetBytes("tocsin store copy"))] }, cancellation);
        await CopyEntriesAsync(progress, cancellation);
        await CopyStateAsync(cancellation);
        var result = await CompareAsync(progress, cancellation);
        await CommitAsync(new Append { State = [new StateWrite(StateName, StateKey, null)] }, cancellation);
        return result;
    }

    private async Task CopyEntriesAsync(IProgress<CopyProgress> progress, CancellationToken cancellation)
    {
        var (done, head) = (target.Head, source.Head);
        if (done > head)
            throw new JournalCopyException($"The target has {done:N0} entries and the source {head:N0}: somebody wrote to the target. Name an empty database.");
        while (done < head)
        {
            var entries = await source.ReadAsync(done, EntriesPerRead, cancellation);
            foreach (var append in Appends(entries, done))
            {
                var result = (await target.CommitAsync([append], cancellation))[0];
                if (result.Status != AppendStatus.Committed)
                    throw new JournalCopyException($"The target refused entries after {done:N0} of the source ({result.Status}): somebody else wrote to it. Name an empty database.");
                foreach (var entry in result.Entries)
                    if (entry.Status != EntryStatus.Created || entry.Sequence != ++done)
                        throw new JournalCopyException($"The target took entry {done:N0} of the source as {entry.Status} at {entry.Sequence:N0}: somebody else wrote to it. Name an empty database.");
            }
            progress.Report(new CopyProgress(done, head, IsVerifying: false));
        }
    }

    /// <summary>An amendment's event must have been committed by an earlier append: one begins with the first amendment of what stands in the one before.</summary>
    private static List<Append> Appends(IReadOnlyList<Sequenced> entries, long after)
    {
        var appends = new List<Append>();
        var (begin, first) = (0, after + 1);
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Entry is not Amendment amendment || amendment.Target < first)
                continue;
            appends.Add(Of(begin, i));
            (begin, first) = (i, entries[i].Sequence);
        }
        appends.Add(Of(begin, entries.Count));
        return appends;

        Append Of(int from, int to) => new() { Entries = [.. entries.Skip(from).Take(to - from).Select(entry => entry.Entry)] };
    }

    private async Task CopyStateAsync(CancellationToken cancellation)
    {
        var names = await source.ListStateNamesAsync(cancellation);
        foreach (var name in (await target.ListStateNamesAsync(cancellation)).Except(names).Where(name => name != StateName))
            await foreach (var row in RowsAsync(target, name, cancellation))
                await CommitAsync(new Append { State = [new StateWrite(name, row.Key, null)] }, cancellation);
        foreach (var name in names)
        {
            var gone = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var row in RowsAsync(target, name, cancellation))
                gone.Add(row.Key);
            var (writes, bytes) = (new List<StateWrite>(), 0);
            await foreach (var row in RowsAsync(source, name, cancellation))
            {
                gone.Remove(row.Key);
                writes.Add(new StateWrite(name, row.Key, row.Value));
                bytes += row.Value.Length;
                if (writes.Count < RowsPerCommit && bytes < BytesPerCommit)
                    continue;
                await CommitAsync(new Append { State = [.. writes] }, cancellation);
                (writes, bytes) = ([], 0);
            }
            await CommitAsync(new Append { State = [.. writes, .. gone.Select(key => new StateWrite(name, key, null))] }, cancellation);
        }
    }

    private async Task<CopyResult> CompareAsync(IProgress<CopyProgress> progress, CancellationToken cancellation)
    {
        var head = source.Head;
        using var ours = new EntryDigest();
        using var theirs = new EntryDigest();
        await Task.WhenAll(DigestAsync(source, ours, progress, head, cancellation), DigestAsync(target, theirs, null, head, cancellation));
        using var ourState = new EntryDigest();
        using var theirState = new EntryDigest();
        var rows = await DigestStateAsync(source, ourState, cancellation);
        var theirRows = await DigestStateAsync(target, theirState, cancellation);
        if (target.Head != head || ours.ToString() != theirs.ToString())
            throw new JournalCopyException($"The copy is not equal: {head:N0} entries with the hash {ours} became {target.Head:N0} with {theirs}. Copy into an empty database again, and keep the source.");
        if (rows != theirRows || ourState.ToString() != theirState.ToString())
            throw new JournalCopyException($"The copy is not equal: {rows:N0} rows of state with the hash {ourState} became {theirRows:N0} with {theirState}. Run the command again.");
        return new CopyResult(head, rows, ours.ToString(), ourState.ToString());
    }

    private static async Task DigestAsync(IJournalStore store, EntryDigest digest, IProgress<CopyProgress>? progress, long head, CancellationToken cancellation)
    {
        var done = 0L;
        while (await store.ReadAsync(done, EntriesPerRead, cancellation) is { Count: > 0 } entries)
        {
            foreach (var entry in entries)
                digest.Add(entry);
            done = entries[^1].Sequence;
            progress?.Report(new CopyProgress(done, head, IsVerifying: true));
        }
    }

    private static async Task<long> DigestStateAsync(IJournalStore store, EntryDigest digest, CancellationToken cancellation)
    {
        var rows = 0L;
        foreach (var name in await store.ListStateNamesAsync(cancellation))
        {
            if (name == StateName)
                continue;
            await foreach (var row in RowsAsync(store, name, cancellation))
            {
                digest.Add(row);
                rows++;
            }
        }
        return rows;
    }

    private static IAsyncEnumerable<StateRow> RowsAsync(IJournalStore store, string name, CancellationToken cancellation) =>
        name.StartsWith(LargeRows, StringComparison.Ordinal) ? store.AllStateAsync(name, cancellation, LargeRowsPerRead) : store.AllStateAsync(name, cancellation);

    private async Task CommitAsync(Append append, CancellationToken cancellation)
    {
        if (append.State.Count > 0)
            await target.CommitAsync([append], cancellation);
    }
}
