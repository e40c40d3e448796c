using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>What is different where several nodes share one journal: each source is polled by the node that holds its lease, the others show what it says.</summary>
public sealed partial class Collector
{
    /// <summary>How often the node that polls shows the others how its sources stand, where that changed.</summary>
    private static readonly TimeSpan ShowEvery = TimeSpan.FromSeconds(1);

    /// <summary>The name of the rows that ask the node that polls a source to poll now; the key is the source.</summary>
    private const string RequestName = "sync-requests";

    /// <summary>Takes over what other nodes change: schedules, the interval, identities, requests to poll, and how their sources stand.</summary>
    public void Follow(StateFollower follower)
    {
        follower.On([IdentityStore.StatePrefix], _stages.Identities.FollowAsync);
        follower.On([SyncIntervalChange.StateName], async (_, cancellation) =>
        {
            await _interval.LoadAsync(cancellation);
            foreach (var runner in _runners.Values)
                Reschedule(runner);
        });
        follower.On([ScheduleChange.StateName], async (_, cancellation) =>
        {
            foreach (var runner in _runners.Values)
            {
                await runner.Change.LoadAsync(cancellation);
                Reschedule(runner);
            }
        });
        if (_stages.Leases is not { } leases)
            return;
        follower.On([SourceLease.StateName], (_, _) =>
        {
            leases.LookNow();
            return Task.CompletedTask;
        });
        follower.On([SourceStatus.StateName], async (_, cancellation) =>
        {
            foreach (var runner in _runners.Values)
                await runner.Status.FollowAsync(runner.Lease!, _stages.Journal.Store, cancellation);
        });
        follower.On([RequestName], async (_, cancellation) =>
        {
            foreach (var runner in _runners.Values.Where(runner => runner.Lease!.IsHeld))
                if (await runner.IsAskedAsync(RequestName, cancellation))
                    runner.PollNow();
        });
    }

    /// <summary>
    /// As <see cref="PollNow"/>, at whichever node polls the source. A request to another node is durable when this returns; true unless that node said that it is
    /// asking already. Throws <see cref="JournalUnavailableException"/>.
    /// </summary>
    public async Task<bool?> PollNowAsync(string name, CancellationToken cancellation)
    {
        if (_runners.GetValueOrDefault(name) is not { } runner)
            return null;
        if (runner.Lease is null or { IsHeld: true })
            return runner.PollNow();
        if (runner.Status.View().Status == SourcePhase.Syncing)
            return false;
        await _stages.Journal.AppendAsync(new Append { State = [new StateWrite(RequestName, name, [])] }, cancellation);
        return true;
    }

    /// <summary>Polls a source while its lease is this node's.</summary>
    private async Task PollWhileHeldAsync(SourceRunner runner, CancellationToken cancellation)
    {
        var lease = runner.Lease!;
        try
        {
            while (true)
            {
                var lost = await lease.HeldAsync(cancellation);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(lost, cancellation);
                try
                {
                    await TakeOverAsync(runner, either.Token);
                    await Workers.RunAsync([runner.RunAsync(either.Token), ShowAsync(runner, either.Token)], either.Token);
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    // Another node polls it now.
                }
                catch (JournalUnavailableException)
                {
                    // The journal has logged why. The lease is still this node's: once more.
                    await Task.Delay(ShowEvery, _stages.Time, cancellation);
                }
            }
        }
        finally
        {
            await _stages.Leases!.ReleaseAsync(lease);
        }
    }

    /// <summary>What this node knows of the source may be old, and the node that polled it may have died in the middle of something.</summary>
    private async Task TakeOverAsync(SourceRunner runner, CancellationToken cancellation)
    {
        await _stages.Identities.LoadAsync([runner.Source.Name], cancellation);
        await runner.LoadAsync(cancellation);
        await runner.IsAskedAsync(RequestName, cancellation);
        await runner.RetryRejectsAsync(cancellation);
        Reschedule(runner);
        _stages.Late.OwnersChanged();
    }

    private async Task ShowAsync(SourceRunner runner, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(ShowEvery, _stages.Time);
        byte[]? shown = null;
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            var write = SourceStatus.Write(runner.Status.View());
            if (shown is not null && write.Value.AsSpan().SequenceEqual(shown))
                continue;
            try
            {
                await runner.ShowAsync(write, cancellation);
                shown = write.Value;
            }
            catch (JournalUnavailableException)
            {
                // The journal has logged why; the next tick tries again.
            }
        }
    }
}
