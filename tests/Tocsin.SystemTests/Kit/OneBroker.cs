using RabbitMQ.Client;

namespace Tocsin.SystemTests.Kit;

/// <summary>One broker for the tests of a class. Each test finds it without queues.</summary>
public sealed class OneBroker : IAsyncLifetime
{
    public const string Push = "tocsin.push";
    public const string Dead = "tocsin.push.dead";

    /// <summary>For who expects the commit's answer: a first push may take longer than the second that is the default, and is 202 then.</summary>
    internal static readonly (string Name, string Value) LongWait = ("TOCSIN__QUEUE__WAIT", "10s");

    internal RabbitBroker Broker { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Broker = await RabbitBroker.StartOrSkipAsync();

    public ValueTask DisposeAsync() => Broker?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A service's home whose pushes go through the broker; <paramref name="more"/> are variables beside.</summary>
    internal async Task<ServerHome> HomeAsync(params (string Name, string Value)[] more)
    {
        await WithChannelAsync(async channel =>
        {
            await channel.QueueDeleteAsync(Push);
            await channel.QueueDeleteAsync(Dead);
            return 0;
        });
        return HomeOf(Broker.Url, more);
    }

    /// <summary>A home with the same journal, as it is at its beginning, in a store of its own: nodes of one service, whose stores tell which of them committed.</summary>
    internal static async Task<ServerHome> TwinOfAsync(ServerHome home)
    {
        await using (await ServerProcess.StartAsync(home))
        {
            // It makes the journal.
        }
        var twin = new ServerHome { More = home.More };
        Directory.CreateDirectory(twin.Data);
        foreach (var file in Directory.EnumerateFiles(home.Data, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(twin.Data, Path.GetRelativePath(home.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return twin;
    }

    internal static ServerHome HomeOf(string url, params (string Name, string Value)[] more) => new()
    {
        More = new Dictionary<string, string>(more.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))) { ["TOCSIN__QUEUE__ENGINE"] = "rabbitmq", ["TOCSIN__QUEUE__URL"] = url },
    };

    /// <summary>Speaks to the broker as anybody may.</summary>
    internal async Task<T> WithChannelAsync<T>(Func<IChannel, Task<T>> action)
    {
        var factory = new ConnectionFactory { Uri = new Uri(Broker.Url) };
        await using var connection = await factory.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        return await action(channel);
    }

    /// <summary>What a queue holds that nobody has in hand.</summary>
    internal Task<uint> CountAsync(string queue) => WithChannelAsync(channel => channel.MessageCountAsync(queue));
}
