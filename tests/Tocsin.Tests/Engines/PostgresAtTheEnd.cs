using Tocsin.Tests.Engines;

[assembly: AssemblyFixture(typeof(PostgresAtTheEnd))]

namespace Tocsin.Tests.Engines;

/// <summary>Stops the shared server after the last test.</summary>
public sealed class PostgresAtTheEnd : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await PostgresCluster.StopSharedAsync();
}
