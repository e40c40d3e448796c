using Tocsin.Engines.Postgres;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

public sealed class PostgresQueryTests : QueryContract
{
    private string? _connection;

    protected override async ValueTask<IJournalStore> OpenAsync()
    {
        _connection ??= await (await PostgresCluster.SharedAsync()).CreateJournalAsync();
        return await PostgresJournalStore.OpenAsync(_connection, TimeProvider.System, new PostgresOptions { PartitionRows = RowsOfAPart }, default);
    }
}
