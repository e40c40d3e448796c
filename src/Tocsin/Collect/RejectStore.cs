using System.Security.Cryptography;
using System.Text;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>A page of rows of what is kept aside, and whether more follow.</summary>
public sealed record RejectPage(IReadOnlyList<StateRow> Rows, bool HasMore);

/// <summary>How many records could not be kept aside: as many are kept as may be, or as many bytes.</summary>
internal readonly record struct RefusedRejects(int ByNumber, int BySize)
{
    public int Total => ByNumber + BySize;

    /// <summary>What there is no more room for, as the end of a sentence.</summary>
    public string Why
    {
        get
        {
            var number = ByNumber > 0 ? $"{RejectStore.MaxKept:N0} records" : null;
            var size = BySize > 0 ? $"{RejectStore.MaxKeptBytes >> 20} MiB of them" : null;
            return $"{string.Join(" and ", new[] { number, size }.OfType<string>())} are kept already";
        }
    }
}

/// <summary>
/// Records of one source that cannot be mapped, kept aside as state: once each, however often they are polled, with the reason. Written in
/// the append of their page, so that a page is never half kept. What may become an event once the map is mended is kept whole.
/// </summary>
internal sealed class RejectStore(string source, long maxBytes = RejectStore.MaxKeptBytes)
{
    /// <summary>Most rejects kept for a source. Beyond it a page says so as its failure: nothing is lost in silence.</summary>
    public const int MaxKept = 10_000;

    /// <summary>Most bytes of them, as rows; beyond it as beyond <see cref="MaxKept"/>.</summary>
    public const long MaxKeptBytes = MaxKept * (64L << 10);

    /// <summary>Most bytes of a page for a caller, unless a row alone has more.</summary>
    private const long MaxPageBytes = 4 << 20;

    /// <summary>Rows held at a time: each may be as large as an event.</summary>
    private const int RowsPerRead = 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Known> _known = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>The name of the rows of state.</summary>
    public static string StateName(string source) => $"rejects/{source}";

    /// <summary>All rows by key, a few at a time.</summary>
    public static IAsyncEnumerable<IReadOnlyList<StateRow>> RowsAsync(IJournalStore store, string source, string? after, CancellationToken cancellation) =>
        store.StatePagesAsync(StateName(source), after, RowsPerRead, cancellation);

    /// <summary>Rows after a key: at most <paramref name="limit"/>, and fewer where records are large.</summary>
    public static async Task<RejectPage> PageAsync(IJournalStore store, string source, string? after, int limit, CancellationToken cancellation)
    {
        var page = new List<StateRow>();
        var bytes = 0L;
        await foreach (var rows in RowsAsync(store, source, after, cancellation))
            foreach (var row in rows)
            {
                bytes += row.Value.Length;
                if (page.Count == limit || (page.Count > 0 && bytes > MaxPageBytes))
                    return new RejectPage(page, HasMore: true);
                page.Add(row);
            }
        return new RejectPage(page, HasMore: false);
    }

    public async Task LoadAsync(IJournalStore store, CancellationToken cancellation)
    {
        var known = new Dictionary<string, Known>(StringComparer.Ordinal);
        await foreach (var rows in RowsAsync(store, source, null, cancellation))
            foreach (var row in rows)
            {
                using var reject = RejectRow.Parse(row.Value);
                known[row.Key] = new Known(reject.RootElement.GetProperty("count").GetInt64(), reject.RootElement.GetProperty("time").GetDateTimeOffset(), row.Value.Length);
            }
        lock (_gate)
        {
            _known.Clear();
            foreach (var (key, row) in known)
                _known[key] = row;
            _bytes = known.Values.Sum(row => (long)row.Bytes);
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
                if (_known.Remove(write.Key, out var row))
                    _bytes -= row.Bytes;
    }

    /// <summary>The writes that keep these aside, and how many there was no room for.</summary>
    public (IReadOnlyList<StateWrite> Writes, RefusedRejects Refused) Keep(IReadOnlyList<RejectedRecord> rejects, DateTimeOffset now)
    {
        var writes = new Dictionary<string, StateWrite>(StringComparer.Ordinal);
        var (byNumber, bySize) = (0, 0);
        lock (_gate)
        {
            foreach (var reject in rejects)
            {
                var key = Key(reject.Request, reject.Record);
                var isKnown = _known.TryGetValue(key, out var known);
                if (!isKnown && _known.Count >= MaxKept)
                {
                    byNumber++;
                    continue;
                }
                // A record that stands twice in one answer counts once: it is the polls that count.
                if (writes.ContainsKey(key))
                    continue;
                var (count, firstSeen) = (known.Count + 1, isKnown ? known.FirstSeen : now);
                var row = RejectRow.Write(reject, count, firstSeen, RecordReader.MaxRecordBytes);
                var isFull = _bytes + row.Length - known.Bytes > maxBytes;
                if (isFull && !isKnown)
                {
                    bySize++;
                    continue;
                }
                // An earlier version kept the beginning only, and there is no room for the whole now.
                if (isFull && row.Length > known.Bytes + RejectRow.OtherBytes)
                    row = RejectRow.Write(reject, count, firstSeen, RejectRow.CutBytes);
                _bytes += row.Length - known.Bytes;
                _known[key] = new Known(count, firstSeen, row.Length);
                writes[key] = new StateWrite(StateName(source), key, row);
            }
        }
        return ([.. writes.Values], new RefusedRejects(byNumber, bySize));
    }

    private static string Key(string request, ReadOnlySpan<byte> record)
    {
        // In parts: a record may have a megabyte, and is not copied for this.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(request));
        hash.AppendData([0]);
        hash.AppendData(record);
        Span<byte> key = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(key);
        return Convert.ToHexStringLower(key[..16]);
    }

    /// <summary>A row that is kept: how many polls had it, since when, and its size.</summary>
    private readonly record struct Known(long Count, DateTimeOffset FirstSeen, int Bytes);
}
