using System.Globalization;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Records that came under a known id with other content: those in a newer version supersede what is stored, by amendment. Older ones, and those
/// without a version, change nothing.
/// </summary>
internal sealed class NewerVersions(RecordReader reader, EventJournal journal, TimeProvider time)
{
    /// <summary>The name under which its amendments stand.</summary>
    public const string Rule = "newer-version";

    /// <summary>
    /// The amendments that bring the journal to the newest versions among these, and how many of these it holds as they are. The caller commits them
    /// before anything else can amend the same events.
    /// </summary>
    public async Task<(IReadOnlyList<Entry> Amendments, int Known)> AmendAsync(IReadOnlyList<SecurityEvent> changed, CancellationToken cancellation)
    {
        var known = 0;
        var amendments = new List<Entry>();
        foreach (var versions in changed.GroupBy(e => e.Id))
        {
            if (await journal.Store.FindAsync(versions.Key, cancellation) is not { } stored)
                continue;
            var (newest, version) = (stored.Event, reader.VersionOf(stored.Event));
            foreach (var candidate in versions)
            {
                known += candidate.Fingerprint == stored.Event.Fingerprint ? 1 : 0;
                if (candidate.Fingerprint != newest.Fingerprint && reader.VersionOf(candidate) is { } other && IsNewer(other, version))
                    (newest, version) = (candidate, other);
            }
            if (!ReferenceEquals(newest, stored.Event))
                amendments.Add(Amend(stored.Sequence, newest));
        }
        return (amendments, known);
    }

    /// <summary>Numbers compare as numbers, times as times, other texts by their characters. Any version is newer than none.</summary>
    public static bool IsNewer(string version, string? than)
    {
        if (than is null)
            return true;
        if (decimal.TryParse(version, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && decimal.TryParse(than, NumberStyles.Float, CultureInfo.InvariantCulture, out var otherNumber))
            return number > otherNumber;
        if (EventTime.TryParse(version, out var instant) && EventTime.TryParse(than, out var otherInstant))
            return instant > otherInstant;
        return string.CompareOrdinal(version, than) > 0;
    }

    private Amendment Amend(long target, SecurityEvent e) => new()
    {
        Target = target,
        At = time.GetUtcNow(),
        By = Rule,
        Revision = new Revision
        {
            Type = e.Type,
            Device = e.Device,
            Priority = e.Priority,
            Time = e.Time,
            UserId = e.UserId,
            Description = e.Description,
            SrcIp = e.SrcIp,
            DstIp = e.DstIp,
            Country = e.Country,
            Attribution = e.Attribution,
            Data = e.Data,
            Fingerprint = e.Fingerprint,
        },
    };
}
