using System.Diagnostics.Metrics;
using Tocsin.Engines.RabbitMq;
using Tocsin.Journal;
using Tocsin.Server.Configuration;

namespace Tocsin.Server;

/// <summary>What the push door offers events to, as the configuration names it: the journal's own queue, or a broker in front of it.</summary>
internal static class QueueOpening
{
    /// <summary>Before anything is opened. Throws <see cref="JournalOpenException"/>, having changed nothing, when the broker cannot be used.</summary>
    public static Task CheckAsync(ServerOptions options, CancellationToken cancellation) =>
        options.QueueUrl is { } broker ? RabbitPushQueue.CheckAsync(broker, TimeProvider.System, cancellation) : Task.CompletedTask;

    public static async Task<IPushQueue> OpenAsync(ServerOptions options, EventJournal journal, Meter meter, ILoggerFactory logs, TimeProvider time, CancellationToken cancellation)
    {
        if (options.QueueUrl is not { } url)
            return new MemoryPushQueue(journal);
        var rabbit = new RabbitOptions { Url = url, Wait = options.QueueWait, Capacity = options.QueueCapacity, Logs = logs };
        return await RabbitPushQueue.StartAsync(rabbit, journal, meter, time, cancellation);
    }
}
