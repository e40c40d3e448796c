using RabbitMQ.Client.Exceptions;

namespace Tocsin.Engines.RabbitMq;

/// <summary>What is wrong with a broker, in one sentence that says how to mend it. Never with the password.</summary>
internal static class BrokerFault
{
    public const int PreconditionFailed = 406;
    private const int AccessRefused = 403, NotAllowed = 530;

    public static string Of(Exception error, BrokerUrl url)
    {
        for (var inner = error; inner is not null; inner = inner.InnerException)
            switch (inner)
            {
                case AggregateException { InnerExceptions: [var first, ..] } when first != inner.InnerException:
                    return Of(first, url);
                case AuthenticationFailureException or PossibleAuthenticationFailureException:
                    return $"RabbitMQ at {url} refuses the user \"{url.User}\": check the name and the password in queue.url.";
                case OperationInterruptedException { ShutdownReason: { } reason }:
                    return Of(reason.ReplyCode, OneLine(reason.ReplyText), url);
            }
        return error is OperationCanceledException or TimeoutException or BrokerUnreachableException { InnerException: null }
            ? $"RabbitMQ at {url} does not answer in time: check that it runs, and that a majority of its nodes does."
            : $"RabbitMQ cannot be reached at {url} ({OneLine(error.GetBaseException().Message)}): check queue.url, and that the broker runs.";
    }

    private static string Of(ushort code, string said, BrokerUrl url) => code switch
    {
        NotAllowed when said.Contains("not found", StringComparison.Ordinal) =>
            $"RabbitMQ at {url} has no virtual host \"{url.VirtualHost}\": make it with rabbitmqctl add_vhost, or name another in queue.url.",
        NotAllowed => $"RabbitMQ at {url} does not let the user \"{url.User}\" into the virtual host \"{url.VirtualHost}\" ({said}): rabbitmqctl set_permissions -p {url.VirtualHost} {url.User} '.*' '.*' '.*'",
        AccessRefused => $"RabbitMQ at {url} does not let the user \"{url.User}\" use the queues {Topology.Push} and {Topology.Dead} ({said}): rabbitmqctl set_permissions -p {url.VirtualHost} {url.User} '.*' '.*' '.*'",
        PreconditionFailed => $"RabbitMQ at {url} has a queue of Tocsin's name that is no quorum queue, or has other arguments ({said}): empty and delete that queue, or name another virtual host in queue.url.",
        _ => $"RabbitMQ at {url} refuses ({code}: {said}).",
    };

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
