using System.Threading.Channels;
using RabbitMQ.Client;
using Tocsin.Journal;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// Tells other nodes what the commits of their requests came to, as well as it can: who is not told answers that the request is accepted. Nobody waits for it, and
/// it goes over the publisher's connection: a broker short of memory or disk reads nothing more from one that has published, acknowledgements included.
/// </summary>
internal sealed class Replies(RabbitOptions options, Publisher publisher, TimeProvider time) : IAsyncDisposable
{
    private const int MaxWaiting = 1_024;

    /// <summary>How long a reply may take; and how much longer than the answer an asker may wait for the broker, or its clock be behind.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly Channel<Reply> _waiting = Channel.CreateBounded<Reply>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Drops it where too many wait, or nobody waits for it any more.</summary>
    public void Tell(Delivery delivery, AppendResult result)
    {
        if (delivery is { RespondAsync: false, ReplyTo: { } to } && !IsLate(((SecurityEvent)delivery.Pushed.Events[0]).ReceivedAt))
            _waiting.Writer.TryWrite(new Reply(to, delivery.Id, result));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(static _ => { }, TaskScheduler.Default);
        _stop.Dispose();
    }

    private bool IsLate(DateTimeOffset received) => time.GetUtcNow() - received > options.Wait + Deadline;

    private async Task RunAsync()
    {
        (IConnection Of, IChannel Is)? channel = null;
        while (await _waiting.Reader.WaitToReadAsync(_stop.Token))
            while (_waiting.Reader.TryRead(out var reply))
                if (publisher.Connection is { } connection)
                    try
                    {
                        if (channel is not { } open || open.Of != connection || !open.Is.IsOpen)
                            channel = open = (connection, await connection.CreateChannelAsync(cancellationToken: _stop.Token));
                        await SendAsync(open.Is, reply);
                    }
                    catch (Exception) when (!_stop.IsCancellationRequested)
                    {
                        // The asker is told that it is accepted. What hangs is left to the end of its connection.
                        channel = null;
                    }
    }

    private async Task SendAsync(IChannel channel, Reply reply)
    {
        using var message = new MessageWriter();
        ResultMessage.Write(message, reply.Result);
        await channel.BasicPublishAsync("", reply.To, mandatory: false, new BasicProperties { CorrelationId = reply.Id }, message.Written.ToArray(), CancellationToken.None)
            .AsTask().WaitAsync(Deadline, time, _stop.Token);
    }

    private sealed record Reply(string To, string Id, AppendResult Result);
}
