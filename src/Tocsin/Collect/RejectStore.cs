using System.Security.Cryptography;
using System.Text;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Records of one source that cannot be mapped, kept aside as state: once each, however often they are polled, with the reason. Written in
/// the append of their page, so that a page is never half kept.
/// </summary>
internal sealed class RejectStore(string source)
{
    /// <summary>Most rejects kept for a source. Beyond it a page says so as its failure: nothing is lost in silence.</summary>
    public const int MaxKept = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Count, DateTimeOffset FirstSeen)> _known = new(StringComparer.Ordinal);

    /// <summary>The name of the rows of state.</summary>
    public static string StateName(string source) => $"rejects/{source}";

    public async Task LoadAsync(IJournalStore store, CancellationToken cancellation)
    {
        var rows = new Dictionary<string, (long Count, DateTimeOffset FirstSeen)>(StringComparer.Ordinal);
        await foreach (var row in store.AllStateAsync(StateName(source), cancellation))
        {
            using var reject = RejectRow.Parse(row.Value);
            rows[row.Key] = (reject.RootElement.GetProperty("count").GetInt64(), reject.RootElement.GetProperty("time").GetDateTimeOffset());
        }
        lock (_gate)
        {
            _known.Clear();
            foreach (var (key, seen) in rows)
                _known[key] = seen;
        }
    }

    /// <summary>
    /// The writes that take out what can be mapped now: it was kept aside before the map was mended. Once they are committed, <see cref="Forget"/> them:
    /// what a commit that failed left in the store must be taken out with the next.
    /// </summary>
    public IReadOnlyList<StateWrite> TakeOut(string request, IReadOnlyList<SecurityEvent> mapped)
    {
        lock (_gate)
        {
            if (_known.Count == 0)
                return [];
            var mended = mapped.Select(e => Key(request, e.Data.Utf8.Span)).Where(_known.ContainsKey).Distinct(StringComparer.Ordinal);
            return [.. mended.Select(key => new StateWrite(StateName(source), key, null))];
        }
    }

    /// <summary>These are taken out.</summary>
    public void Forget(IReadOnlyList<StateWrite> mended)
    {
        lock (_gate)
            foreach (var write in mended)
                _known.Remove(write.Key);
    }

    /// <summary>The writes that keep these aside, and how many there was no room for.</summary>
    public (IReadOnlyList<StateWrite> Writes, int Refused) Keep(IReadOnlyList<RejectedRecord> rejects, DateTimeOffset now)
    {
        var writes = new Dictionary<string, StateWrite>(StringComparer.Ordinal);
        var refused = 0;
        lock (_gate)
        {
            foreach (var reject in rejects)
            {
                var key = Key(reject.Request, reject.Record);
                if (!_known.TryGetValue(key, out var seen) && _known.Count >= MaxKept)
                {
                    refused++;
                    continue;
                }
                // A record that stands twice in one answer counts once: it is the polls that count.
                seen = writes.ContainsKey(key) ? seen : (seen.Count + 1, seen.Count == 0 ? now : seen.FirstSeen);
                _known[key] = seen;
                writes[key] = new StateWrite(StateName(source), key, RejectRow.Write(reject, seen.Count, seen.FirstSeen));
            }
        }
        return ([.. writes.Values], refused);
    }

    private static string Key(string request, ReadOnlySpan<byte> record)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData([.. Encoding.UTF8.GetBytes(request), 0, .. record], hash);
        return Convert.ToHexStringLower(hash[..16]);
    }
}
