using Microsoft.Extensions.Logging;

namespace Tocsin.Engines.RabbitMq;

/// <summary>How a RabbitMQ queue stands in front of the journal.</summary>
public sealed record RabbitOptions
{
    /// <summary>The broker.</summary>
    public required BrokerUrl Url { get; init; }

    /// <summary>How long an answer waits for the commit before it says that the request is accepted. Default 1 s.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Requests that may wait in the broker; more are refused until there is room. Default 100,000.</summary>
    public int Capacity { get; init; } = 100_000;

    /// <summary>Where it says what happens.</summary>
    public required ILoggerFactory Logs { get; init; }
}
