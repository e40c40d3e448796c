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
        string? after = null;
        while (true)
        {
            var page = await store.ListStateAsync(name, after, pageRows, cancellation);
            foreach (var row in page)
                yield return row;
            if (page.Count < pageRows)
                yield break;
            after = page[^1].Key;
        }
    }
}
