using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>What the store knows of what a group asks about, as committed.</summary>
internal sealed record Known(
    long Head, long Version, Dictionary<EventId, (long Sequence, long Fingerprint)> Keys, Dictionary<(string Name, string Key), long> State, Dictionary<long, SecurityEvent> Targets);

/// <summary>How an event reads from an amendment of this group on.</summary>
internal readonly record struct NewVersion(long Target, int Place, SecurityEvent Event);

/// <summary>
/// Decides what becomes of each append of a group, in order and each as if alone, before anything is written. Sequences are not given yet: what is kept
/// has its place in the group, from 0.
/// </summary>
internal sealed class GroupJudge(Known known)
{
    private readonly Dictionary<EventId, (int Place, long Fingerprint)> _added = [];
    private readonly Dictionary<(string, string), long> _versions = [];
    private readonly Dictionary<long, SecurityEvent> _now = [];
    private readonly List<(AppendStatus Status, Outcome[] Entries, long Version)> _outcomes = [];

    /// <summary>What gets a sequence, by its place.</summary>
    public List<Entry> Kept { get; } = [];

    /// <summary>The last word on each row of state.</summary>
    public Dictionary<(string Name, string Key), (byte[]? Value, long Version)> State { get; } = [];

    public List<NewVersion> Versions { get; } = [];

    /// <summary>Events that were amended: how they read before this group, and how after it.</summary>
    public IEnumerable<(long Target, SecurityEvent Before, SecurityEvent Now)> Amended => _now.Select(now => (now.Key, known.Targets[now.Key], now.Value));

    public long Version { get; private set; } = known.Version;

    public bool WritesNothing => Kept.Count == 0 && State.Count == 0;

    public void Judge(Append append)
    {
        foreach (var expected in append.Expect)
            if (VersionOf((expected.Name, expected.Key)) != expected.Version)
            {
                Refuse(AppendStatus.Conflict);
                return;
            }
        foreach (var entry in append.Entries)
            if (entry is Amendment amendment && !known.Targets.ContainsKey(amendment.Target))
            {
                Refuse(AppendStatus.UnknownTarget);
                return;
            }
        if (append.RefuseOtherContent && append.Entries.Any(HasOtherContent))
        {
            Refuse(AppendStatus.OtherContent);
            return;
        }
        var entries = new Outcome[append.Entries.Count];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = append.Entries[i] is SecurityEvent e ? Take(e) : Take((Amendment)append.Entries[i]);
        if (append.State.Count > 0)
            Version++;
        foreach (var write in append.State)
        {
            _versions[(write.Name, write.Key)] = write.Value is null ? 0 : Version;
            State[(write.Name, write.Key)] = (write.Value, Version);
        }
        _outcomes.Add((AppendStatus.Committed, entries, Version));
    }

    /// <summary>The answers, once the first sequence is known.</summary>
    public AppendResult[] Results(long first) =>
        [.. _outcomes.Select(outcome => new AppendResult(outcome.Status, Array.ConvertAll(outcome.Entries, entry => entry.At(first))) { StateVersion = outcome.Version })];

    private void Refuse(AppendStatus status) => _outcomes.Add((status, [], 0));

    private long VersionOf((string, string) row) => _versions.TryGetValue(row, out var version) ? version : known.State.GetValueOrDefault(row);

    private bool HasOtherContent(Entry entry) =>
        entry is SecurityEvent { Id.IsKeyed: true, ExternalId: null } e
        && ((known.Keys.TryGetValue(e.Id, out var there) && there.Fingerprint != e.Fingerprint) || (_added.TryGetValue(e.Id, out var added) && added.Fingerprint != e.Fingerprint));

    private Outcome Take(SecurityEvent e)
    {
        if (e.Id.IsKeyed)
        {
            if (known.Keys.TryGetValue(e.Id, out var there))
                return new Outcome(Repeat(there.Fingerprint), there.Sequence, Place: -1);
            if (_added.TryGetValue(e.Id, out var added))
                return new Outcome(Repeat(added.Fingerprint), 0, added.Place);
            _added.Add(e.Id, (Kept.Count, e.Fingerprint));
        }
        Kept.Add(e);
        return new Outcome(EntryStatus.Created, 0, Kept.Count - 1);

        EntryStatus Repeat(long fingerprint) => fingerprint == e.Fingerprint ? EntryStatus.Duplicate : EntryStatus.Changed;
    }

    private Outcome Take(Amendment amendment)
    {
        var before = _now.GetValueOrDefault(amendment.Target) ?? known.Targets[amendment.Target];
        if (amendment.Only is { } only && (UnresolvedRows.AddressOf(before) != only.Address || before.Time != only.Time))
            return new Outcome(EntryStatus.Moot, amendment.Target, Place: -1);
        // Versions are an index: they need no record.
        var now = amendment.Apply(before) with { Data = RawRecord.None };
        _now[amendment.Target] = now;
        Versions.Add(new NewVersion(amendment.Target, Kept.Count, now));
        Kept.Add(amendment);
        return new Outcome(EntryStatus.Created, 0, Kept.Count - 1);
    }

    /// <summary>An outcome whose sequence is known, or else the place of what is kept in this group.</summary>
    private readonly record struct Outcome(EntryStatus Status, long Sequence, int Place)
    {
        public EntryResult At(long first) => new(Status, Place < 0 ? Sequence : first + Place);
    }
}
