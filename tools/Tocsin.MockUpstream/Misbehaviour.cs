using System.Globalization;
using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Tocsin.MockUpstream;

/// <summary>The faults that are about the answer as a whole, not about its records.</summary>
internal sealed class Misbehaviour(TimeProvider time)
{
    internal const long BigBodyBytes = 100L << 20;
    internal const long BombBytes = 1L << 30;

    /// <summary>The end of the timeout fault when the client does not give up: no connection is held for ever.</summary>
    internal static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    private static readonly Lazy<byte[]> Bomb = new(MakeBomb);
    private int _refusals;

    /// <summary>Answers with the fault; false when there is none of these.</summary>
    internal async Task<bool> TryAsync(HttpContext context, MockConfig config, FaultDraw draw, Func<Answer> answer, CancellationToken ct)
    {
        switch (draw.Name)
        {
            case Fault.Http500:
                const string Failure = "{\"detail\": \"Internal server error (simulated).\"}";
                await Reply.WriteTextAsync(context, StatusCodes.Status500InternalServerError, Failure);
                return true;
            case Fault.Http429:
                context.Response.Headers.RetryAfter = RetryAfter();
                const string Throttled = "{\"detail\": \"Request was throttled (simulated).\"}";
                await Reply.WriteTextAsync(context, StatusCodes.Status429TooManyRequests, Throttled);
                return true;
            case Fault.Redirect:
                context.Response.Headers.Location = config.RedirectTo.AbsoluteUri;
                context.Response.StatusCode = StatusCodes.Status302Found;
                return true;
            case Fault.Timeout:
                await Task.Delay(LongestSilence, time, ct);
                context.Abort();
                return true;
            case Fault.Truncate:
                var whole = answer();
                // Returning with bytes owed makes Kestrel close the connection after what was written. Abort() here
                // could throw away the half that is still on its way.
                context.Response.StatusCode = whole.Status;
                await StartAsync(context, whole.Length, ct);
                await whole.WriteAsync(context.Response.Body, whole.Length / 2, ct);
                return true;
            case Fault.Malformed:
                var cut = answer();
                context.Response.StatusCode = cut.Status;
                await StartAsync(context, cut.Length / 2, ct);
                await cut.WriteAsync(context.Response.Body, cut.Length / 2, ct);
                return true;
            case Fault.BigBody:
                await SendBigBodyAsync(context, ct);
                return true;
            case Fault.GzipBomb:
                context.Response.Headers.ContentEncoding = "gzip";
                await StartAsync(context, Bomb.Value.Length, ct);
                await context.Response.Body.WriteAsync(Bomb.Value, ct);
                return true;
            default:
                return false;
        }
    }

    private string RetryAfter()
    {
        if (Interlocked.Increment(ref _refusals) % 2 == 1)
            return "1";
        // the date has whole seconds: one second from now, cut, could be now
        return time.GetUtcNow().AddSeconds(2).ToString("R", CultureInfo.InvariantCulture);
    }

    private static Task StartAsync(HttpContext context, long length, CancellationToken ct)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = length;
        return context.Response.StartAsync(ct);
    }

    private static async Task SendBigBodyAsync(HttpContext context, CancellationToken ct)
    {
        var head = "{\"results\": [{}"u8.ToArray();
        var filler = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(", {\"priority\": 1}", 4096)));
        var tail = "]}"u8.ToArray();
        var repeats = (BigBodyBytes - head.Length - tail.Length) / filler.Length;
        var padding = BigBodyBytes - head.Length - tail.Length - repeats * filler.Length;
        await StartAsync(context, BigBodyBytes, ct);
        await context.Response.Body.WriteAsync(head, ct);
        for (var i = 0; i < repeats; i++)
            await context.Response.Body.WriteAsync(filler, ct);
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(new string(' ', (int)padding)), ct);
        await context.Response.Body.WriteAsync(tail, ct);
    }

    /// <summary>Gzip allows members one after the other (RFC 1952, 2.2), so one MiB is compressed once and not 1,024 times.</summary>
    private static byte[] MakeBomb()
    {
        const int MemberBytes = 1 << 20;
        var spaces = Compress(Encoding.UTF8.GetBytes(new string(' ', MemberBytes)));
        using var bomb = new MemoryStream();
        bomb.Write(Compress("{\"results\": ["u8.ToArray()));
        for (var i = 0L; i < BombBytes / MemberBytes; i++)
            bomb.Write(spaces);
        bomb.Write(Compress("]}"u8.ToArray()));
        return bomb.ToArray();
    }

    private static byte[] Compress(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize))
            gzip.Write(bytes);
        return packed.ToArray();
    }
}
