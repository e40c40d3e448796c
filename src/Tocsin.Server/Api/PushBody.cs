using System.Buffers;
using System.IO.Compression;
using Tocsin.Collect.Push;

namespace Tocsin.Server.Api;

/// <summary>
/// A pushed body as one run of bytes in pooled memory, inflated. Only bodies that did not come in one piece are gathered here; all of them together
/// have a bound, beyond which a sender is told to come again.
/// </summary>
internal sealed class PushBody : IDisposable
{
    /// <summary>How long a body may take: 10 MiB at 1.4 Mbit/s. One that takes longer would keep its memory from all others.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private const int FirstBytes = 64 << 10;
    private readonly BodyMemory _memory;
    private byte[] _bytes = [];
    private int _length;

    private PushBody(BodyMemory memory) => _memory = memory;

    /// <summary>Why the body cannot be taken; null when it can.</summary>
    public Problem? Problem { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Reads the request's body to its end. Stops at the limit, whatever is still to come or to inflate, and at <see cref="Deadline"/>.</summary>
    public static async ValueTask<PushBody> ReadAsync(HttpRequest request, bool gzip, BodyMemory memory, TimeProvider time)
    {
        var body = new PushBody(memory);
        using var late = new CancellationTokenSource(Deadline, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, request.HttpContext.RequestAborted);
        try
        {
            if (!gzip)
                await body.FillAsync(request.Body, end.Token);
            else
                await using (var inflating = new GZipStream(request.Body, CompressionMode.Decompress))
                    await body.FillAsync(inflating, end.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            body.Problem = new Problem(StatusCodes.Status408RequestTimeout, "too_slow", $"The body was not here after {Deadline.TotalSeconds:0} s; nothing of it was taken. Send smaller batches.");
        }
        catch (InvalidDataException)
        {
            body.Problem = new Problem(StatusCodes.Status400BadRequest, "invalid_gzip", "The body says it is gzip, and is cut or cannot be inflated; nothing of it was taken.");
        }
        catch
        {
            body.Dispose();
            throw;
        }
        return body;
    }

    public void Dispose()
    {
        if (_bytes.Length == 0)
            return;
        _memory.GiveBack(_bytes.Length);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private async ValueTask FillAsync(Stream stream, CancellationToken cancellation)
    {
        while (_length < _bytes.Length || TryGrow())
        {
            var read = await stream.ReadAsync(_bytes.AsMemory(_length), cancellation);
            if (read == 0)
                return;
            _length += read;
            if (_length > PushLimits.MaxBodyBytes)
            {
                Problem = new Problem(StatusCodes.Status413PayloadTooLarge, "too_large", $"A body may have {PushLimits.MaxBodyBytes >> 20} MiB after inflating, this has more.");
                return;
            }
        }
    }

    private bool TryGrow()
    {
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBytes, _length * 2));
        if (!_memory.TryTake(grown.Length))
        {
            ArrayPool<byte>.Shared.Return(grown);
            Problem = new Problem(StatusCodes.Status429TooManyRequests, "busy", "Too many large bodies are being read at once; send it again in a second.");
            return false;
        }
        Bytes.CopyTo(grown);
        Dispose();
        _bytes = grown;
        return true;
    }
}

/// <summary>Memory for bodies that are being read or written, of all requests together. Thread-safe.</summary>
internal sealed class BodyMemory(long maxBytes)
{
    /// <summary>256 MiB: sixteen of the largest bodies, or hundreds of ordinary batches.</summary>
    public const long DefaultMaxBytes = 256L << 20;

    private long _taken;

    /// <summary>False when there is not so much left.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= maxBytes)
            return true;
        GiveBack(bytes);
        return false;
    }

    public void GiveBack(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
