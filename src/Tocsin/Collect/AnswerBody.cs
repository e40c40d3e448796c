namespace Tocsin.Collect;

/// <summary>Reads answers' bodies, inflated, up to a size. What is declared or comes beyond it is a failure before more of it is read.</summary>
/// <param name="maxBytes">The largest body taken.</param>
/// <param name="name">What the limit is called, for whoever must raise it.</param>
internal sealed class AnswerBody(long maxBytes, string name) : IDisposable
{
    private const int FirstBufferBytes = 64 << 10;

    /// <summary>Several times the largest answer recorded (123 kB): beyond it, a source's answers are read one after the other.</summary>
    private const int LargeBytes = 4 << 20;

    private readonly SemaphoreSlim _large = new(1);
    private readonly WeakReference<byte[]?> _largest = new(null);

    public async Task<FetchResult> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var tooLarge = new FetchFailure(FetchFailureKind.TooLarge, $"the answer is larger than {name} ({maxBytes:N0} bytes)");
        var declared = response.Content.Headers.ContentLength;
        if (declared > maxBytes)
            return tooLarge;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[declared < LargeBytes ? (int)declared + 1 : FirstBufferBytes];
        var large = false;
        try
        {
            var length = 0;
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
                // Off the thread that watches the sockets: an endless answer must not keep it busy.
                await Task.Yield();
                if (read == 0)
                    return new FetchResult(buffer.AsSpan(0, length).ToArray(), null);
                length += read;
                if (length > maxBytes)
                    return tooLarge;
                if (length < buffer.Length)
                    continue;
                if (length < LargeBytes)
                {
                    Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, maxBytes + 1));
                    continue;
                }
                // One at a time, always in the same buffer: eight bombs at once would else cost a gigabyte.
                await _large.WaitAsync(cancellation);
                large = true;
                var largest = LargestBuffer();
                buffer.CopyTo(largest, 0);
                buffer = largest;
            }
        }
        finally
        {
            if (large)
                _large.Release();
        }
    }

    public void Dispose() => _large.Dispose();

    /// <summary>Room for the largest answer allowed; the last one again, unless the collector took it meanwhile.</summary>
    private byte[] LargestBuffer()
    {
        if (_largest.TryGetTarget(out var kept))
            return kept;
        var buffer = GC.AllocateUninitializedArray<byte>((int)maxBytes + 1);
        _largest.SetTarget(buffer);
        return buffer;
    }
}
