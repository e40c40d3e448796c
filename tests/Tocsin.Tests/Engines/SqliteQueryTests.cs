using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

public sealed class SqliteQueryTests : QueryContract
{
    private readonly TempFolder _folder = new();

    // The one place that opens the store: a size of partitions (RowsOfAPart) belongs here once it can be chosen.
    protected override ValueTask<IJournalStore> OpenAsync() => ValueTask.FromResult<IJournalStore>(SqliteJournalStore.Open(_folder.Path));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
