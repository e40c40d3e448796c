using System.Buffers.Binary;
using System.Numerics;

namespace Tocsin.Collect.Push;

/// <summary>SipHash-1-3 (Aumasson, Bernstein): a short keyed hash that nobody without the key can make collide. Fast on names and small values.</summary>
internal readonly struct SipHash(ReadOnlySpan<byte> key)
{
    public const int KeySizeInBytes = 16;

    private readonly ulong _k0 = BinaryPrimitives.ReadUInt64LittleEndian(key);
    private readonly ulong _k1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]);

    /// <summary>The hash of some bytes; with another <paramref name="tag"/> it is another function.</summary>
    public ulong Of(ReadOnlySpan<byte> bytes, ulong tag = 0)
    {
        var state = new State(_k0, _k1 ^ tag);
        var last = (ulong)bytes.Length << 56;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            state.Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        for (var i = 0; i < bytes.Length; i++)
            last |= (ulong)bytes[i] << (8 * i);
        state.Add(last);
        return state.Finish();
    }

    /// <summary>The hash of two numbers in their order.</summary>
    public ulong Of(ulong first, ulong second)
    {
        var state = new State(_k0, _k1);
        state.Add(first);
        state.Add(second);
        state.Add(16UL << 56);
        return state.Finish();
    }

    private struct State(ulong k0, ulong k1)
    {
        private ulong _v0 = k0 ^ 0x736f6d6570736575, _v1 = k1 ^ 0x646f72616e646f6d, _v2 = k0 ^ 0x6c7967656e657261, _v3 = k1 ^ 0x7465646279746573;

        public void Add(ulong word)
        {
            _v3 ^= word;
            Round();
            _v0 ^= word;
        }

        public ulong Finish()
        {
            _v2 ^= 0xFF;
            Round();
            Round();
            Round();
            return _v0 ^ _v1 ^ _v2 ^ _v3;
        }

        private void Round()
        {
            _v0 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 13) ^ _v0;
            _v0 = BitOperations.RotateLeft(_v0, 32);
            _v2 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 16) ^ _v2;
            _v0 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 21) ^ _v0;
            _v2 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 17) ^ _v2;
            _v2 = BitOperations.RotateLeft(_v2, 32);
        }
    }
}
