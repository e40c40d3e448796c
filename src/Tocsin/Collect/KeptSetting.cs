using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Something that is changed while the service runs and stays changed after a restart: a row of state, and the same in memory, so that whoever looks does
/// not wait for the store. A row is never deleted, what was taken back is written as such: a version names one state of the setting, once and for all.
/// <typeparamref name="T"/> is a record: two equal ones are no change. Thread-safe.
/// </summary>
internal sealed class KeptSetting<T>(EventJournal journal, string name, string key, T unset, JsonTypeInfo<T> json)
    where T : class
{
    private readonly Lock _gate = new();
    private VersionedSetting<T> _current = new(unset, 0);

    /// <summary>As it is now.</summary>
    public VersionedSetting<T> Current => Volatile.Read(ref _current);

    /// <summary>Reads the row.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        if (await journal.Store.GetStateAsync(name, key, cancellation) is { } row)
            Use(new(JsonSerializer.Deserialize(row.Value, json)!, row.Version));
    }

    /// <summary>
    /// Changes it; true when it is durably as <paramref name="edit"/> says. False, and nothing is changed, when <paramref name="mayReplace"/> says no to the
    /// version that would be replaced. <paramref name="record"/> is committed with the change; what changes nothing leaves neither row nor record. Throws
    /// <see cref="JournalUnavailableException"/>: it is as it was then.
    /// </summary>
    public async Task<bool> ChangeAsync(Func<T, T> edit, Func<long, bool>? mayReplace, SecurityEvent? record)
    {
        while (true)
        {
            var (before, version) = Current;
            if (mayReplace?.Invoke(version) == false)
                return false;
            var after = edit(before);
            if (after.Equals(before))
                return true;
            var result = await journal.AppendAsync(new Append
            {
                Entries = record is null ? [] : [record],
                State = [new StateWrite(name, key, JsonSerializer.SerializeToUtf8Bytes(after, json))],
                Expect = [new StateExpectation(name, key, version)],
            }, CancellationToken.None); // Not cancelled half-way: what gets on disk must get into use too.
            if (result.Status == AppendStatus.Committed)
            {
                Use(new(after, result.StateVersion));
                return true;
            }
            // Somebody changed it in between: take that in, and look again.
            await LoadAsync(CancellationToken.None);
        }
    }

    /// <summary>Two changes may come back from the store in another order than they were committed in.</summary>
    private void Use(VersionedSetting<T> setting)
    {
        lock (_gate)
            if (setting.Version > _current.Version)
                _current = setting;
    }
}

/// <summary>A setting and the version of its row; 0 when nobody ever changed it.</summary>
internal sealed record VersionedSetting<T>(T Value, long Version);
