using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// A bit for each row of a block: which rows are still taken. Each test of a column clears the bits of the rows that fail it, many rows at once where the
/// processor can.
/// </summary>
internal ref struct RowBits(Span<ulong> words)
{
    public const int Words = ColumnBlock.Rows / 64;

    private readonly Span<ulong> _words = words;

    public readonly ReadOnlySpan<ulong> Taken => _words;

    public readonly bool IsEmpty => !_words.ContainsAnyExcept(0UL);

    /// <summary>All of the first so many rows.</summary>
    public readonly void Fill(int rows)
    {
        _words[..(rows / 64)].Fill(ulong.MaxValue);
        _words[(rows / 64)..].Clear();
        if (rows % 64 != 0)
            _words[rows / 64] = (1UL << (rows % 64)) - 1;
    }

    /// <summary>Keeps the rows with this value.</summary>
    public readonly void KeepEqual<T>(T[] column, T value)
        where T : unmanaged, IEquatable<T>
    {
        for (var word = 0; word < _words.Length; word++)
            if (_words[word] != 0)
                _words[word] &= Equal(column.AsSpan(word * 64, 64), value);
    }

    /// <summary>Keeps the rows from a value to another, both included.</summary>
    public readonly void KeepBetween(ulong[] column, ulong first, ulong last)
    {
        for (var word = 0; word < _words.Length; word++)
            if (_words[word] != 0)
                _words[word] &= Between(column.AsSpan(word * 64, 64), first, last - first);
    }

    /// <summary>Keeps the rows without this value.</summary>
    public readonly void DropEqual<T>(T[] column, T value)
        where T : unmanaged, IEquatable<T>
    {
        for (var word = 0; word < _words.Length; word++)
            if (_words[word] != 0)
                _words[word] &= ~Equal(column.AsSpan(word * 64, 64), value);
    }

    /// <summary>Keeps the rows whose value passes a test: for what is not a plain comparison.</summary>
    public readonly void Keep(Func<int, bool> takes)
    {
        for (var word = 0; word < _words.Length; word++)
            for (var left = _words[word]; left != 0; left &= left - 1)
            {
                var bit = System.Numerics.BitOperations.TrailingZeroCount(left);
                if (!takes((word * 64) + bit))
                    _words[word] &= ~(1UL << bit);
            }
    }

    /// <summary>Takes what either takes.</summary>
    public readonly void Join(RowBits other)
    {
        for (var word = 0; word < _words.Length; word++)
            _words[word] |= other._words[word];
    }

    /// <summary>The rows of 64 that have the value, as bits.</summary>
    private static ulong Equal<T>(ReadOnlySpan<T> column, T value)
        where T : unmanaged, IEquatable<T>
    {
        var bits = 0UL;
        if (Vector256.IsHardwareAccelerated)
        {
            var wanted = Vector256.Create(value);
            var vectors = MemoryMarshal.Cast<T, Vector256<T>>(column);
            for (var i = 0; i < vectors.Length; i++)
                bits |= (ulong)Vector256.Equals(vectors[i], wanted).ExtractMostSignificantBits() << (i * Vector256<T>.Count);
            return bits;
        }
        for (var i = 0; i < column.Length; i++)
            bits |= column[i].Equals(value) ? 1UL << i : 0;
        return bits;
    }

    /// <summary>A bit for each of 64 values that is at most <paramref name="width"/> above the first; below it, the difference wraps to a large one.</summary>
    private static ulong Between(ReadOnlySpan<ulong> values, ulong first, ulong width)
    {
        var bits = 0UL;
        if (Vector512.IsHardwareAccelerated)
        {
            for (var i = 0; i < 64; i += Vector512<ulong>.Count)
                bits |= Vector512.LessThanOrEqual(Vector512.Create(values.Slice(i, Vector512<ulong>.Count)) - Vector512.Create(first), Vector512.Create(width)).ExtractMostSignificantBits() << i;
            return bits;
        }
        for (var i = 0; i < 64; i += Vector256<ulong>.Count)
            bits |= (ulong)Vector256.LessThanOrEqual(Vector256.Create(values.Slice(i, Vector256<ulong>.Count)) - Vector256.Create(first), Vector256.Create(width)).ExtractMostSignificantBits() << i;
        return bits;
    }
}
