using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// Stores requests in their order, however long the store is away: each group is one commit, so that nothing is stored before what came before it. A request that
/// comes again is known by its events' ids.
/// </summary>
internal sealed class PushStore(EventJournal journal, TimeProvider time)
{
    /// <summary>Tries of a request that fails alone and not because the store is away. After them it is set aside, if others can be stored.</summary>
    private const int MaxAttempts = 4;

    /// <summary>Entries of the journal's end among which one is looked for that can be written again.</summary>
    private const int Newest = 1_000;

    private readonly PushCommit _commit = new(journal);
    private SecurityEvent? _stored;

    /// <summary>Why it waits for the store; null when it does not.</summary>
    public string? Waits { get; private set; }

    /// <summary>
    /// Gives what each came to; null for one that cannot be stored, with its <see cref="Delivery.Defect"/> said. Cancelled, it leaves all to be given again.
    /// </summary>
    public async Task<AppendResult?[]> StoreAsync(IReadOnlyList<Delivery> batch, bool again, CancellationToken cancellation)
    {
        if (SecondUseOfKey(batch) is var at and > 0)
            return [.. await StoreAsync([.. batch.Take(at)], again, cancellation), .. await StoreAsync([.. batch.Skip(at)], again, cancellation)];
        var backoff = new Backoff(time);
        for (var failures = 0; ; again = true)
        {
            try
            {
                var results = await TogetherAsync(batch, again, cancellation);
                Waits = null;
                return results;
            }
            catch (JournalUnavailableException error)
            {
                Waits = $"the store cannot write now, requests wait in the broker ({error.Message})";
            }
            catch (Exception) when (batch.Count > 1 && !cancellation.IsCancellationRequested)
            {
                // One of them cannot be stored; nothing was. Each alone, in their order, so that only that one is set aside.
                var results = new AppendResult?[batch.Count];
                for (var i = 0; i < results.Length; i++)
                    results[i] = (await StoreAsync([batch[i]], again: true, cancellation))[0];
                return results;
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                if (++failures >= MaxAttempts && await TakesOthersAsync(cancellation))
                {
                    Waits = null;
                    batch[0].Defect = $"it failed {failures} times: {error.Message}";
                    return [null];
                }
                if (failures >= MaxAttempts)
                    Waits = $"the store takes no request now, they wait in the broker ({error.Message})";
            }
            await backoff.WaitAsync(cancellation);
        }
    }

    /// <summary>
    /// The place of the first request whose key was used by an event before it: whether that one holds the key only its commit tells. 0 when there is none.
    /// </summary>
    private static int SecondUseOfKey(IReadOnlyList<Delivery> batch)
    {
        var held = new HashSet<EventId>();
        for (var i = 0; i < batch.Count; i++)
            if (batch[i] is { Defect: null, Pushed.Key: { } key })
            {
                if (key.IsHeld)
                    held.Add(key.First);
                else if (held.Contains(key.First))
                    return i;
            }
        return 0;
    }

    /// <summary>
    /// Whether it is the request that fails, and not the store with every one: an event that is there already is written again, which changes nothing. In a journal
    /// that has none it is the request.
    /// </summary>
    private async Task<bool> TakesOthersAsync(CancellationToken cancellation)
    {
        try
        {
            // Retention may have dropped it: then it would be stored anew.
            if (_stored is not { } last || await journal.Store.FindAsync(last.Id, cancellation) is null)
                _stored = (await journal.ReadAsync(Math.Max(0, journal.Head - Newest), Newest, cancellation))
                    .Select(entry => entry.Entry).OfType<SecurityEvent>().LastOrDefault(e => e.Id.IsKeyed && e.ExternalId is null);
            if (_stored is { } known)
                await journal.AppendTogetherAsync([new Append { Entries = [known] }], cancellation);
            return true;
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<AppendResult?[]> TogetherAsync(IReadOnlyList<Delivery> batch, bool again, CancellationToken cancellation)
    {
        var results = new AppendResult?[batch.Count];
        var (places, appends) = (new List<int>(batch.Count), new List<Append>(batch.Count));
        for (var i = 0; i < results.Length; i++)
        {
            if (batch[i].Defect is not null)
                continue;
            if (await _commit.IsTakenAsync(batch[i].Pushed.Key, cancellation))
            {
                results[i] = PushCommit.OtherRequest;
                continue;
            }
            places.Add(i);
            appends.Add(PushCommit.AppendOf(batch[i].Pushed));
        }
        var committed = await journal.AppendTogetherAsync(appends, cancellation);
        for (var i = 0; i < places.Count; i++)
        {
            var delivery = batch[places[i]];
            var result = await _commit.SettleAsync(delivery.Pushed, committed[i]);
            results[places[i]] = again || delivery.IsAgain ? await AsFirstAsync(delivery.Pushed, result, cancellation) : result;
        }
        return results;
    }

    /// <summary>What was stored when the same message came before is no repeat for its sender: it was received at the very same instant.</summary>
    private async ValueTask<AppendResult> AsFirstAsync(Pushed pushed, AppendResult result, CancellationToken cancellation)
    {
        if (result.Status != AppendStatus.Committed || result.Entries.All(entry => entry.Status != EntryStatus.Duplicate))
            return result;
        var entries = result.Entries.ToArray();
        for (var i = 0; i < entries.Length; i++)
        {
            var e = (SecurityEvent)pushed.Events[i];
            if (entries[i].Status == EntryStatus.Duplicate
                && ((e.ExternalId is null && pushed.Key is null) || (await journal.Store.FindAsync(e.Id, cancellation))?.Event.ReceivedAt == e.ReceivedAt))
                entries[i] = entries[i] with { Status = EntryStatus.Created };
        }
        return result with { Entries = entries };
    }
}
