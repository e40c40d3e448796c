namespace Tocsin.Server.Api;

/// <summary>Sends what was written of a long answer. A client that takes nothing would keep in memory what is still to be written: its connection is cut.</summary>
internal static class AnswerFlush
{
    /// <summary>How long a client may take nothing of what was sent to it.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(10);

    /// <summary>Bytes written between two flushes: what Kestrel keeps for a connection before it makes the writer wait.</summary>
    public const int Bytes = 64 << 10;

    /// <summary>Throws <see cref="OperationCanceledException"/> when the client is gone, or was cut.</summary>
    public static ValueTask RunAsync(HttpContext context, TimeProvider time)
    {
        var flush = context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        if (!flush.IsCompletedSuccessfully)
            return new ValueTask(WaitAsync(context, flush.AsTask(), time));
        _ = flush.Result;
        return ValueTask.CompletedTask;
    }

    private static async Task WaitAsync(HttpContext context, Task flush, TimeProvider time)
    {
        try
        {
            await flush.WaitAsync(Max, time);
        }
        catch (TimeoutException)
        {
            context.Abort();
            // The abort is told on another thread: whoever looks why this ended must find it said.
            await Task.Delay(Timeout.InfiniteTimeSpan, time, context.RequestAborted);
        }
    }
}
