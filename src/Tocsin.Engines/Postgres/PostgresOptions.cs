using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>How the engine on PostgreSQL works; the defaults are what the service uses.</summary>
public sealed record PostgresOptions
{
    /// <summary>Sequences of a partition. A small table keeps the tops of its indexes in memory; few tables keep a page quick. Smaller ones are for tests.</summary>
    public long PartitionRows { get; init; } = 2_000_000;

    /// <summary>Events of a transaction from which they go in by COPY; fewer go in as arrays, with everything else in one message.</summary>
    public int CopyFrom { get; init; } = 2_000;

    /// <summary>How often the head is asked for what other nodes committed, should no notification come.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the outcome of a commit is asked for whose answer was lost with the connection.</summary>
    public TimeSpan OutcomeDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whose copy a journal becomes that is made now: it takes that one's id and key. Null: a journal of its own.</summary>
    public JournalInfo? CopyOf { get; init; }

    /// <summary>Told when the follower loses the server and finds it again.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// Told once, with a sentence that says so, when the journal went back behind what this node has seen: it follows no longer, and the process should end.
    /// </summary>
    public Action<string>? WentBack { get; init; }
}
