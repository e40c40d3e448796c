using System.Text.Json;
using System.Text.Json.Serialization;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>Keeps the identity directory as state, one row an address, and tells who waits for it what was learned.</summary>
public sealed class IdentityStore(EventJournal journal, IdentityDirectory directory, LateAttribution late) : IDisposable
{
    private const int RowsPerAppend = 5_000;

    /// <summary>Of more addresses than that, everything unresolved is looked through once instead.</summary>
    private const int MaxLookedUpSingly = 1_000;

    private readonly SemaphoreSlim _one = new(1);

    /// <summary>What begins the names of its rows of state; a directory's name follows.</summary>
    public const string StatePrefix = "identities/";

    /// <summary>Loads the assignments by hand and the directories of these sources.</summary>
    public async Task LoadAsync(IEnumerable<string> sources, CancellationToken cancellation)
    {
        foreach (var name in sources.Append(IdentityDirectory.ByHand))
            await ReadAsync(StateName(name), cancellation);
    }

    /// <summary>
    /// Takes over what another node learned, by the name of state of a directory. Who waits for it is told here too: an event that this node committed as
    /// unresolved, just before, was not there yet when the other looked.
    /// </summary>
    public async Task FollowAsync(string stateName, CancellationToken cancellation)
    {
        var learned = await ReadAsync(stateName, cancellation);
        if (learned.Count > MaxLookedUpSingly)
            late.OwnersChanged();
        else
            late.Learned(learned);
    }

    /// <summary>The addresses of a directory that have other holders than was known.</summary>
    private async Task<IReadOnlyList<string>> ReadAsync(string stateName, CancellationToken cancellation)
    {
        var changed = new List<string>();
        await foreach (var row in journal.Store.AllStateAsync(stateName, cancellation))
            if (directory.Apply(Read(stateName[StatePrefix.Length..], row)))
                changed.Add(row.Key);
        return changed;
    }

    /// <summary>Takes over an answer of a source's directory: durable first, then in use. Throws <see cref="LeaseLostException"/> when another node polls the source now.</summary>
    internal async Task ObserveAsync(string source, IReadOnlyDictionary<string, string> users, DateTimeOffset seenAt, SourceJournal through, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            foreach (var chunk in directory.Observe(source, users, seenAt).Chunk(RowsPerAppend))
            {
                cancellation.ThrowIfCancellationRequested();
                // Not cancelled half-way: what gets on disk must get into the directory too.
                var result = await through.AppendAsync(new Append { State = [.. chunk.Select(Write)] }, CancellationToken.None);
                if (result.Status != AppendStatus.Committed)
                    throw new LeaseLostException();
                Use(chunk);
            }
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
            while (true)
            {
                // As it is kept: another node may have assigned it a moment ago.
                var row = await journal.Store.GetStateAsync(StateName(IdentityDirectory.ByHand), address, cancellation);
                if (row is not null)
                    directory.Apply(Read(IdentityDirectory.ByHand, row));
                var change = directory.Assign(address, userId, from, to);
                var result = await journal.AppendAsync(new Append
                {
                    Entries = record is null ? [] : [record],
                    State = [Write(change)],
                    Expect = [new StateExpectation(StateName(IdentityDirectory.ByHand), address, row?.Version ?? 0)],
                }, CancellationToken.None);
                if (result.Status != AppendStatus.Committed)
                    continue;
                Use([change]);
                return;
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private void Use(IReadOnlyList<HolderChange> changes)
    {
        foreach (var change in changes)
            directory.Apply(change);
        late.Learned(changes.Select(change => change.Address));
    }

    private static HolderChange Read(string name, StateRow row) => new(name, row.Key, JsonSerializer.Deserialize(row.Value, HolderJson.Default.IReadOnlyListHolder)!);

    private static StateWrite Write(HolderChange change) =>
        new(StateName(change.Directory), change.Address, JsonSerializer.SerializeToUtf8Bytes(change.Holders, HolderJson.Default.IReadOnlyListHolder));

    private static string StateName(string name) => StatePrefix + name;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<Holder>))]
internal sealed partial class HolderJson : JsonSerializerContext;
