using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Tocsin.Engines.Sqlite;

/// <summary>How the embedded store works; the defaults are what the service uses.</summary>
public sealed record SqliteOptions
{
    /// <summary>Events of a partition before the next begins, 1 or more. Smaller ones are for tests.</summary>
    public int PartitionRows { get; init; } = Partition.MaxRows;

    /// <summary>Told when sealing fails.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
