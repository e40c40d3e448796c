using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>Faults of the way an answer is sent: too late, too slowly, too little, not at all.</summary>
internal sealed class ConnectionFaults(TimeProvider time)
{
    /// <summary>The end of timeout and slow_body when the client does not give up: no connection is held for ever.</summary>
    internal static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    /// <summary>Time between two bytes of slow_body.</summary>
    internal static readonly TimeSpan ByteInterval = TimeSpan.FromSeconds(1);

    /// <summary>Bytes that wrong_length promises and does not send.</summary>
    internal const int MissingBytes = 1_000;

    /// <summary>Answers with the fault; false when there is none of these.</summary>
    internal async Task<bool> TryAsync(HttpContext context, FaultDraw draw, Func<Answer> ask, CancellationToken ct)
    {
        if (draw.Name is not (Fault.Timeout or Fault.SlowBody or Fault.Truncate or Fault.WrongLength or Fault.Reset))
            return false;
        if (draw.Name == Fault.Timeout)
        {
            await Task.Delay(LongestSilence, time, ct);
            context.Abort();
            return true;
        }

        var answer = ask();
        switch (draw.Name)
        {
            case Fault.SlowBody:
                await SendSlowlyAsync(context, answer, ct);
                break;
            case Fault.Truncate:
                await SendPartAsync(context, answer, answer.Length, answer.Length / 2, ct);
                break;
            case Fault.WrongLength:
                await SendPartAsync(context, answer, answer.Length + MissingBytes, answer.Length, ct);
                break;
            case Fault.Reset:
                if (draw.Salt % 2 == 0)
                    await SendPartAsync(context, answer, answer.Length, answer.Length / 2, ct);
                ResetConnection(context);
                break;
        }

        return true;
    }

    /// <summary>
    /// Returning with bytes owed makes Kestrel close the connection after what was written. Aborting it could throw away
    /// the part that is still on its way.
    /// </summary>
    private static async Task SendPartAsync(HttpContext context, Answer answer, long promised, long sent, CancellationToken ct)
    {
        answer.Announce(context, promised);
        await context.Response.StartAsync(ct);
        await answer.WriteAsync(context.Response.Body, sent, ct);
    }

    private async Task SendSlowlyAsync(HttpContext context, Answer answer, CancellationToken ct)
    {
        var most = (int)(LongestSilence / ByteInterval);
        var bytes = answer.First(most);
        answer.Announce(context, answer.Length);
        await context.Response.StartAsync(ct);
        for (var i = 0; i < bytes.Length; i++)
        {
            await context.Response.Body.WriteAsync(bytes.AsMemory(i, 1), ct);
            await Task.Delay(ByteInterval, time, ct);
        }

        if (answer.Length > most)
            context.Abort();
    }

    private static void ResetConnection(HttpContext context)
    {
        // closing a socket that lingers for no time sends RST and not FIN
        if (context.Features.Get<IConnectionSocketFeature>() is { } connection)
            connection.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        context.Abort();
    }
}
