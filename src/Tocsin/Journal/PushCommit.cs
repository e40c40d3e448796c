using System.Buffers.Binary;

namespace Tocsin.Journal;

/// <summary>
/// Commits a pushed request, and holds an Idempotency-Key to the one request it was first used for. Events without an external_id have their id from the
/// key: they hold it. A request in which each event has its own leaves a row of state instead.
/// </summary>
public sealed class PushCommit(EventJournal journal)
{
    private const string Keys = "idempotency";

    /// <summary>The key was used for another request: nothing was written.</summary>
    public static AppendResult OtherRequest { get; } = new(AppendStatus.OtherContent, []);

    /// <summary>The request as one transaction.</summary>
    public static Append AppendOf(in Pushed pushed)
    {
        var append = new Append { Entries = pushed.Events, RefuseOtherContent = pushed.Key is not null };
        return pushed.Key is not { } key ? append : append with
        {
            State = key.IsHeld ? [] : [new StateWrite(Keys, Name(key), Content(key))],
            Expect = [new StateExpectation(Keys, Name(key), 0)],
        };
    }

    /// <summary>What a committed <see cref="AppendOf"/> comes to: where the key's row was there already, this is a repeat of its request or another.</summary>
    public async Task<AppendResult> SettleAsync(Pushed pushed, AppendResult result)
    {
        if (result.Status != AppendStatus.Conflict || pushed.Key is not { } key)
            return result;
        var row = await journal.Store.GetStateAsync(Keys, Name(key), CancellationToken.None);
        return !key.IsHeld && row is not null && row.Value.AsSpan().SequenceEqual(Content(key))
            ? await journal.AppendAsync(new Append { Entries = pushed.Events }, CancellationToken.None)
            : OtherRequest;
    }

    /// <summary>True when events of another request hold the key that this one would leave a row for: nothing of it may be appended.</summary>
    public async ValueTask<bool> IsTakenAsync(PushKey? key, CancellationToken cancellation) =>
        key is { IsHeld: false } && await journal.Store.FindAsync(key.First, cancellation) is not null;

    private static string Name(PushKey key) => key.First.ToString();

    private static byte[] Content(PushKey key)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, key.Content);
        return bytes;
    }
}
