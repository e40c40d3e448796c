using Tocsin.Collect;
using Tocsin.Journal;
using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>
/// What the board's headers say about its sources: which have not finished once, and as of when it is complete. Looked up at most every
/// tenth of a second, however many ask. A source's success is told only once the board holds what came of it: so ask here first, and take
/// the answer after.
/// </summary>
internal sealed class Freshness(Collector collector, EventJournal journal, IncidentBoard board, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private readonly Lock _looking = new();
    private Snapshot? _shown;
    private Snapshot? _waiting;

    /// <summary>What can be said now of any answer that is taken from the board after this.</summary>
    public Snapshot Current
    {
        get
        {
            var shown = Volatile.Read(ref _shown);
            var now = time.GetTimestamp();
            if (shown is not null && time.GetElapsedTime(shown.TakenAt, now) < LookEvery)
                return shown;
            lock (_looking)
                return Look(now);
        }
    }

    private Snapshot Look(long now)
    {
        // One that waits for the board is kept until it has its turn: under load the head is always a little ahead.
        var next = _waiting ?? Take(now, _shown);
        if (board.Sequence < next.Head)
        {
            _waiting = next;
            return _shown ?? next.WithoutSuccess([.. collector.Sources.Select(source => source.Name)]);
        }
        _waiting = null;
        Volatile.Write(ref _shown, next);
        return next;
    }

    private Snapshot Take(long now, Snapshot? before)
    {
        var sources = collector.View();
        // Read after the sources: whatever they have succeeded with stands at or before it.
        var head = journal.Head;
        var missing = sources.Where(source => source.LastSuccess is null).Select(source => source.Name).ToArray();
        var asOf = sources.Min(source => source.LastSuccess);
        return new Snapshot(
            missing.Length == 0 ? null : string.Join(',', missing),
            asOf is null || missing.Length > 0 ? null : EventTime.From(asOf.Value, 3).ToString(),
            before, now, head);
    }

    /// <summary>The two headers' values at one time; the strings of an unchanged one are taken over.</summary>
    internal sealed class Snapshot
    {
        public Snapshot(string? incomplete, string? asOf, Snapshot? before, long takenAt, long head)
        {
            Incomplete = before?.Incomplete == incomplete ? before?.Incomplete : incomplete;
            AsOf = before?.AsOf == asOf ? before?.AsOf : asOf;
            (TakenAt, Head) = (takenAt, head);
        }

        /// <summary>Sources that have not finished once, by name with commas; null when all have.</summary>
        public string? Incomplete { get; }

        /// <summary>The oldest last success of the sources, RFC 3339; null before each has one.</summary>
        public string? AsOf { get; }

        public long TakenAt { get; }

        /// <summary>The journal's head at that time: what the board must hold before this is true of it.</summary>
        public long Head { get; }

        /// <summary>The same time with nothing finished: for the answers before the first look is true.</summary>
        public Snapshot WithoutSuccess(string[] sources) => new(sources.Length == 0 ? null : string.Join(',', sources), null, null, TakenAt, Head);

        public void WriteTo(IHeaderDictionary headers)
        {
            if (Incomplete is not null)
                headers["Tocsin-Incomplete"] = Incomplete;
            if (AsOf is not null)
                headers["Tocsin-As-Of"] = AsOf;
        }
    }
}
