using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

public sealed class SqliteQueryTests : QueryContract
{
    private readonly TempFolder _folder = new();

    protected override ValueTask<IJournalStore> OpenAsync() =>
        ValueTask.FromResult<IJournalStore>(SqliteJournalStore.Open(_folder.Path, TimeProvider.System, new SqliteOptions { PartitionRows = RowsOfAPart }));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
