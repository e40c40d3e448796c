using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Tocsin.Journal;
using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>Why a stream ended.</summary>
internal enum StreamEnd
{
    /// <summary>The client went, the token is no longer valid, the store cannot be read, or the service stops.</summary>
    Over,

    /// <summary>The client did not take what was sent to it.</summary>
    TooSlow,
}

/// <summary>
/// One open stream: writes what waits, flushes once, and never holds more than a buffer and a frame that are not sent. A client that takes nothing for
/// <see cref="AnswerFlush.Max"/> is cut; one that is so slow that the journal ran away from it is told, and cut. Both may resume.
/// </summary>
internal sealed class StreamSession(HttpContext context, EventFilter filter, LiveTailReader reader, TimeProvider time, Func<HttpContext, bool> mayStill)
{
    private readonly PipeWriter _output = context.Response.BodyWriter;
    private bool _wasHeldUp;
    private bool _isStuck;
    private int _unflushed;

    /// <summary>Sends until one side ends it. <paramref name="isAhead"/>: the client asked for what comes after the journal's head.</summary>
    public async Task<StreamEnd> RunAsync(bool isAhead, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
        try
        {
            Write("retry: 2000\n: tocsin\n"u8);
            if (isAhead)
                Write(": the journal does not reach as far as the id asked for; this goes on from its head\n"u8);
            WritePlace();
            while (await FlushAsync(end.Token))
            {
                if (await reader.ReadAsync(_wasHeldUp, end.Token) is not { } items)
                {
                    Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"event: too_slow\ndata: {{\"last_sequence\":{reader.Position}}}\n\n")));
                    return StreamEnd.TooSlow;
                }
                _wasHeldUp = false;
                if (!await WriteAsync(items, end.Token) || (reader.TakeBeat() && !Beat()))
                    break;
            }
            return StreamEnd.Over;
        }
        catch (OperationCanceledException)
        {
            // A client that takes nothing would keep the end of this answer, and with it the service, waiting.
            if (_isStuck)
                context.Abort();
            return StreamEnd.Over;
        }
        catch (TimeoutException)
        {
            context.Abort();
            return StreamEnd.TooSlow;
        }
        catch (JournalUnavailableException)
        {
            Write(": the store cannot be read now; come again\n\n"u8);
            return StreamEnd.Over;
        }
    }

    private async ValueTask<bool> WriteAsync(IReadOnlyList<LiveTailItem> items, CancellationToken cancellation)
    {
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Event is not { } e || !filter.Matches(e))
                continue;
            Write(items[i].Frame);
            if (_unflushed >= AnswerFlush.Bytes && !await FlushAsync(cancellation))
                return false;
        }
        return true;
    }

    /// <summary>False when the caller may no longer read.</summary>
    private bool Beat()
    {
        if (!mayStill(context))
        {
            Write(": the token is no longer valid\n\n"u8);
            return false;
        }
        Write(": heartbeat\n"u8);
        WritePlace();
        return true;
    }

    /// <summary>An id without data: no message, but from now on the client would resume here, also when its filter lets nothing through.</summary>
    private void WritePlace() => Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {reader.Position}\n\n")));

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _output.Write(bytes);
        _unflushed += bytes.Length;
    }

    /// <summary>False when the client is gone. Throws <see cref="TimeoutException"/> when it takes nothing.</summary>
    private async ValueTask<bool> FlushAsync(CancellationToken cancellation)
    {
        if (_unflushed == 0)
            return true;
        _unflushed = 0;
        var flush = _output.FlushAsync(CancellationToken.None);
        if (flush.IsCompleted)
            return !(await flush).IsCompleted;
        _wasHeldUp = _isStuck = true;
        var result = await flush.AsTask().WaitAsync(AnswerFlush.Max, time, cancellation);
        _isStuck = false;
        return !result.IsCompleted;
    }
}
