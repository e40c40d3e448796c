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
    /// <summary>Memory for bodies that are being read, of all requests together: 256 MiB.</summary>
    internal const long MaxGatheredBytes = 256L << 20;

    private const int FirstBytes = 64 << 10;
    private static long _gathered;
    private byte[] _bytes = [];
    private int _length;

    private PushBody() { }

    /// <summary>Why the body cannot be taken; null when it can.</summary>
    public Problem? Problem { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Reads the request's body to its end. Stops at the limit, whatever is still to come or to inflate.</summary>
    public static async ValueTask<PushBody> ReadAsync(HttpRequest request, bool gzip)
    {
        var body = new PushBody();
        try
        {
            if (!gzip)
                await body.FillAsync(request.Body);
            else
                await using (var inflating = new GZipStream(request.Body, CompressionMode.Decompress))
                    await body.FillAsync(inflating);
        }
        catch (InvalidDataException)
        {
            body.Problem = new Problem(StatusCodes.Status400BadRequest, "invalid_gzip", "The body says it is gzip, and cannot be inflated.");
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
        Interlocked.Add(ref _gathered, -_bytes.Length);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private async ValueTask FillAsync(Stream stream)
    {
        while (_length < _bytes.Length || TryGrow())
        {
            var read = await stream.ReadAsync(_bytes.AsMemory(_length));
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
        if (Interlocked.Add(ref _gathered, grown.Length - _bytes.Length) > MaxGatheredBytes)
        {
            Interlocked.Add(ref _gathered, _bytes.Length - grown.Length);
            ArrayPool<byte>.Shared.Return(grown);
            Problem = new Problem(StatusCodes.Status429TooManyRequests, "busy", "Too many large bodies are being read at once; send it again in a second.");
            return false;
        }
        Bytes.CopyTo(grown);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = grown;
        return true;
    }
}
