using System.Buffers.Binary;
using Tocsin.Collect.Push;
using Tocsin.Journal;

namespace Tocsin.Server.Api;

/// <summary>
/// Appends a pushed request, and holds an Idempotency-Key to the one request it was first used for. Events without an external_id have their id from the
/// key: they hold it. A request in which each event has its own leaves a row of state instead.
/// </summary>
internal sealed class PushAppend(EventJournal journal)
{
    private const string Keys = "idempotency";
    /// <summary>The key was used for another request: nothing was written.</summary>
    public static AppendResult OtherRequest { get; } = new(AppendStatus.OtherContent, []);

    /// <summary>False when the queue is full; nothing of it was taken then.</summary>
    public bool TryBegin(PushBatch batch, out Task<AppendResult> done)
    {
        var append = new Append { Entries = batch.Events, RefuseOtherContent = batch.Key is not null };
        if (batch.Key is { } key)
            append = append with { State = key.IsHeld ? [] : [new StateWrite(Keys, Name(key), Content(key))], Expect = [new StateExpectation(Keys, Name(key), 0)] };
        if (!journal.TryAppend(append, out var committed))
        {
            done = Task.FromResult(OtherRequest);
            return false;
        }
        done = batch.Key is null ? committed : HoldAsync(batch, batch.Key, committed);
        return true;
    }

    private async Task<AppendResult> HoldAsync(PushBatch batch, PushKey key, Task<AppendResult> committed)
    {
        var result = await committed;
        if (result.Status != AppendStatus.Conflict)
            return result;
        // The row is there: for this very request, which then is a repeat, or for another.
        var row = await journal.Store.GetStateAsync(Keys, Name(key), CancellationToken.None);
        return !key.IsHeld && row is not null && row.Value.AsSpan().SequenceEqual(Content(key))
            ? await journal.AppendAsync(new Append { Entries = batch.Events }, CancellationToken.None)
            : OtherRequest;
    }

    /// <summary>True when events of another request hold the key that this one would leave a row for.</summary>
    public async ValueTask<bool> IsTakenAsync(PushBatch batch, CancellationToken cancellation) =>
        batch.Key is { IsHeld: false } key && await journal.Store.FindAsync(key.First, cancellation) is not null;

    private static string Name(PushKey key) => key.First.ToString();

    private static byte[] Content(PushKey key)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, key.Content);
        return bytes;
    }
}
