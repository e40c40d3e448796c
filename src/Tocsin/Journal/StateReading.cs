using System.Runtime.CompilerServices;

namespace Tocsin.Journal;

/// <summary>Reading state in pages.</summary>
public static class StateReading
{
    private const int PageRows = 5_000;

    /// <summary>All rows of one name by key, read in pages: no list of unknown length is held. Fewer than usual a page where rows may have a megabyte.</summary>
    public static async IAsyncEnumerable<StateRow> AllStateAsync(
        this IJournalStore store, string name, [EnumeratorCancellation] CancellationToken cancellation, int pageRows = PageRows)
    {
        await foreach (var page in store.StatePagesAsync(name, null, pageRows, cancellation))
            foreach (var row in page)
                yield return row;
    }

    /// <summary>The rows of one name after a key, a page at a time.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<StateRow>> StatePagesAsync(
        this IJournalStore store, string name, string? after, int pageRows, [EnumeratorCancellation] CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> page;
        do
        {
            page = await store.ListStateAsync(name, after, pageRows, cancellation);
            if (page.Count == 0)
                yield break;
            yield return page;
            after = page[^1].Key;
        }
        while (page.Count == pageRows);
    }
}
