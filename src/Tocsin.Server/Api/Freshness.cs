using System.Globalization;
using Tocsin.Collect;

namespace Tocsin.Server.Api;

/// <summary>
/// What the board's headers say about its sources: which have not finished once, and as of when it is complete. Looked up at most every
/// tenth of a second, however many ask.
/// </summary>
internal sealed class Freshness(Collector collector, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private Snapshot _current = new(null, null, null, long.MinValue);

    public Snapshot Current
    {
        get
        {
            var current = Volatile.Read(ref _current);
            var now = time.GetTimestamp();
            return current.TakenAt != long.MinValue && time.GetElapsedTime(current.TakenAt, now) < LookEvery ? current : Look(now, current);
        }
    }

    private Snapshot Look(long now, Snapshot before)
    {
        var sources = collector.View();
        var missing = sources.Where(source => source.LastSuccess is null).Select(source => source.Name).ToArray();
        var asOf = sources.Min(source => source.LastSuccess);
        var next = new Snapshot(
            missing.Length == 0 ? null : string.Join(',', missing),
            asOf is null || missing.Length > 0 ? null : asOf.Value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            before, now);
        Volatile.Write(ref _current, next);
        return next;
    }

    /// <summary>The two headers' values at one time; the strings of an unchanged one are taken over.</summary>
    internal sealed class Snapshot
    {
        public Snapshot(string? incomplete, string? asOf, Snapshot? before, long takenAt)
        {
            Incomplete = before?.Incomplete == incomplete ? before?.Incomplete : incomplete;
            AsOf = before?.AsOf == asOf ? before?.AsOf : asOf;
            TakenAt = takenAt;
        }

        /// <summary>Sources that have not finished once, by name with commas; null when all have.</summary>
        public string? Incomplete { get; }

        /// <summary>The oldest last success of the sources, RFC 3339; null before each has one.</summary>
        public string? AsOf { get; }

        public long TakenAt { get; }

        public void WriteTo(IHeaderDictionary headers)
        {
            if (Incomplete is not null)
                headers["Tocsin-Incomplete"] = Incomplete;
            if (AsOf is not null)
                headers["Tocsin-As-Of"] = AsOf;
        }
    }
}
