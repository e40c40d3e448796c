using System.Text.Json;
using System.Text.Json.Serialization;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>Keeps the identity directory as state, one row an address, and tells who waits for it what was learned.</summary>
public sealed class IdentityStore(EventJournal journal, IdentityDirectory directory, LateAttribution late) : IDisposable
{
    private const int RowsPerAppend = 5_000;
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Loads the assignments by hand and the directories of these sources.</summary>
    public async Task LoadAsync(IEnumerable<string> sources, CancellationToken cancellation)
    {
        foreach (var name in sources.Append(IdentityDirectory.ByHand))
            await foreach (var row in journal.Store.AllStateAsync(StateName(name), cancellation))
                directory.Apply(new HolderChange(name, row.Key, JsonSerializer.Deserialize(row.Value, HolderJson.Default.IReadOnlyListHolder)!));
    }

    /// <summary>Takes over an answer of a source's directory: durable first, then in use.</summary>
    public async Task ObserveAsync(string source, IReadOnlyDictionary<string, string> users, DateTimeOffset seenAt, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            await SaveAsync(directory.Observe(source, users, seenAt), cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Assigns an address by hand; <paramref name="record"/>, where given, is committed with it. Throws <see cref="JournalUnavailableException"/> when it could not
    /// be kept.
    /// </summary>
    public async Task AssignAsync(string address, string userId, DateTimeOffset? from, DateTimeOffset? to, CancellationToken cancellation, SecurityEvent? record = null)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            await SaveAsync([directory.Assign(address, userId, from, to)], cancellation, record);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task SaveAsync(IReadOnlyList<HolderChange> changes, CancellationToken cancellation, SecurityEvent? record = null)
    {
        foreach (var chunk in changes.Chunk(RowsPerAppend))
        {
            var rows = chunk.Select(change => new StateWrite(StateName(change.Directory), change.Address,
                JsonSerializer.SerializeToUtf8Bytes(change.Holders, HolderJson.Default.IReadOnlyListHolder)));
            cancellation.ThrowIfCancellationRequested();
            // Not cancelled half-way: what gets on disk must get into the directory too.
            await journal.AppendAsync(new Append { Entries = record is null ? [] : [record], State = [.. rows] }, CancellationToken.None);
            foreach (var change in chunk)
                directory.Apply(change);
            late.Learned(chunk.Select(change => change.Address));
        }
    }

    private static string StateName(string name) => $"identities/{name}";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<Holder>))]
internal sealed partial class HolderJson : JsonSerializerContext;
