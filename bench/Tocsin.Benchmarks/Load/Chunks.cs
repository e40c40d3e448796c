using System.Buffers.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>Takes the frames of chunked transfer coding out of a buffer, in place, however the network cut it.</summary>
internal struct Chunks
{
    private int _payloadLeft;
    private int _lineEndLeft;
    private bool _last;

    /// <summary>The last chunk and its end have been read.</summary>
    public bool Ended { get; private set; }

    /// <summary>
    /// Moves the payload in <paramref name="buffer"/> from <paramref name="from"/> to <paramref name="to"/> down to
    /// <paramref name="at"/> (at most <paramref name="from"/>); both move on. What is left behind is the beginning of a frame.
    /// </summary>
    public void Decode(Span<byte> buffer, ref int from, int to, ref int at)
    {
        while (!Ended && from < to)
        {
            if (_payloadLeft > 0)
            {
                var length = Math.Min(_payloadLeft, to - from);
                if (at != from)
                    buffer.Slice(from, length).CopyTo(buffer[at..]);
                from += length;
                at += length;
                _payloadLeft -= length;
                _lineEndLeft = _payloadLeft == 0 ? 2 : 0;
            }
            else if (_lineEndLeft > 0)
            {
                var length = Math.Min(_lineEndLeft, to - from);
                from += length;
                _lineEndLeft -= length;
                Ended = _last && _lineEndLeft == 0;
            }
            else if (!ReadSize(buffer, ref from, to))
            {
                return;
            }
        }
    }

    private bool ReadSize(ReadOnlySpan<byte> buffer, ref int from, int to)
    {
        var line = buffer[from..to];
        var end = line.IndexOf("\r\n"u8);
        if (end < 0)
            return false;
        if (!Utf8Parser.TryParse(line[..end], out _payloadLeft, out _, 'x'))
            throw new IOException("A chunk without a size.");
        from += end + 2;
        _last = _payloadLeft == 0;
        _lineEndLeft = _last ? 2 : 0;
        return true;
    }
}
