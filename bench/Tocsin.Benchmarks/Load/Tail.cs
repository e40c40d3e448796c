using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>What the readers of one run have got: delays from the sending and from the answer of each event.</summary>
internal sealed class Deliveries(int total)
{
    /// <summary>A value of an event's data begins so; then the run, a dash, the number in 9 digits, a dash and the clock when it was sent in 19.</summary>
    public const string Marker = "tsb-";

    public const int NumberDigits = 9;
    public const int ClockDigits = 19;

    /// <summary>So that events of an earlier run are not taken for this one's.</summary>
    public byte[] Prefix { get; } = Encoding.ASCII.GetBytes($"{Marker}{Guid.NewGuid().ToString("N")[..8]}-");

    public int Total => total;

    /// <summary>When the answer to each event's POST had arrived; 0: not yet.</summary>
    public long[] AnsweredAt { get; } = new long[total];

    public Latencies FromSending { get; } = new();

    public Latencies FromAnswer { get; } = new();
}

/// <summary>One reader of the live tail: reads no more of an event than its sequence and its marker.</summary>
internal sealed class Tail(Socket socket, Deliveries deliveries) : IDisposable
{
    private readonly ulong[] _seen = new ulong[(deliveries.Total / 64) + 1];
    private byte[] _buffer = new byte[16 * 1024];
    private Chunks _chunks;
    private long _lastSequence;

    public int Received { get; private set; }

    public int Doubles { get; private set; }

    /// <summary>Events whose sequence was not above the one before.</summary>
    public int OutOfOrder { get; private set; }

    /// <summary>What ended it before its time; null: nothing.</summary>
    public string? Error { get; private set; }

    /// <summary>Becomes true when the server has taken the subscription.</summary>
    public TaskCompletionSource Subscribed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RunAsync(byte[] request)
    {
        try
        {
            await socket.SendAsync(request, SocketFlags.None);
            int filled = 0, headEnd;
            while ((headEnd = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                filled += await ReceiveAsync(filled);
            if (Wire.Status(_buffer) != 200)
                throw new IOException(Encoding.ASCII.GetString(_buffer, 0, filled));
            Subscribed.SetResult();
            int from = headEnd + 4, at = from, begin = from;
            while (!_chunks.Ended)
            {
                _chunks.Decode(_buffer, ref from, filled, ref at);
                begin += Scan(_buffer.AsSpan(begin, at - begin), Stopwatch.GetTimestamp());
                (from, filled, at, begin) = Compact(from, filled, at, begin);
                filled += await ReceiveAsync(filled);
            }
            Error = "The server ended the stream.";
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Error = e.Message;
        }
        Subscribed.TrySetException(new IOException(Error));
    }

    public void Dispose() => socket.Dispose();

    /// <summary>Reads the whole events at the beginning of <paramref name="text"/>; returns their length.</summary>
    private int Scan(ReadOnlySpan<byte> text, long now)
    {
        var read = 0;
        for (int end; (end = text[read..].IndexOf("\n\n"u8)) >= 0; read += end + 2)
            Take(text.Slice(read, end), now);
        return read;
    }

    private void Take(ReadOnlySpan<byte> block, long now)
    {
        var prefix = deliveries.Prefix;
        var at = block.LastIndexOf(prefix);
        if (at < 0)
            return;
        var marker = block[(at + prefix.Length)..];
        if (!Utf8Parser.TryParse(marker[..Deliveries.NumberDigits], out int n, out _) || !Utf8Parser.TryParse(marker.Slice(Deliveries.NumberDigits + 1, Deliveries.ClockDigits), out long sent, out _))
            return;
        var id = block.StartsWith("id:"u8) ? 0 : block.IndexOf("\nid:"u8) + 1;
        var sequence = Utf8Parser.TryParse(block[(id + 3)..].TrimStart((byte)' '), out long value, out _) ? value : 0;
        OutOfOrder += sequence > _lastSequence ? 0 : 1;
        _lastSequence = sequence;
        var bit = 1UL << (n % 64);
        if ((_seen[n / 64] & bit) != 0)
        {
            Doubles++;
            return;
        }
        _seen[n / 64] |= bit;
        Received++;
        var answered = Volatile.Read(ref deliveries.AnsweredAt[n]);
        deliveries.FromSending.Record(now - sent);
        deliveries.FromAnswer.Record(answered == 0 ? 0 : now - answered);
    }

    /// <summary>Moves what is not read yet to the beginning of the buffer.</summary>
    private (int From, int Filled, int At, int Begin) Compact(int from, int filled, int at, int begin)
    {
        var payload = at - begin;
        var raw = filled - from;
        _buffer.AsSpan(begin, payload).CopyTo(_buffer);
        _buffer.AsSpan(from, raw).CopyTo(_buffer.AsSpan(payload));
        if (payload + raw == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        return (payload, payload + raw, payload, 0);
    }

    private async ValueTask<int> ReceiveAsync(int filled)
    {
        var read = await socket.ReceiveAsync(_buffer.AsMemory(filled), SocketFlags.None);
        return read > 0 ? read : throw new IOException("The server closed the connection.");
    }
}
