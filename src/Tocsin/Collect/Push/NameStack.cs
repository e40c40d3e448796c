using System.Security.Cryptography;

namespace Tocsin.Collect.Push;

/// <summary>
/// The names of the objects that are open while JSON is read, to find one that stands twice. Few names are compared one by one, many by a hash table
/// whose hash is keyed: an object of 100,000 names takes as long as 100,000 small ones. Everything is a stack, because only the innermost object
/// gets names; nothing is allocated once the arrays have grown. For one thread.
/// </summary>
internal sealed class NameStack
{
    private const int MaxCompared = 16;
    private const int MaxKept = 4096;
    private static readonly byte[] HashKey = RandomNumberGenerator.GetBytes(SipHash.KeySizeInBytes);

    private readonly SipHash _hash = new(HashKey);
    private readonly OpenObject[] _objects = new OpenObject[PushLimits.MaxDepth + 2];
    private int _open;
    private (int Start, int Length)[] _names = new (int, int)[256];
    private int _count;
    private int[] _tables = [];
    private byte[] _unescaped = new byte[256];
    private int _unescapedLength;

    /// <summary>Forgets everything, also what a monster made grow.</summary>
    public void Reset()
    {
        _open = _count = _unescapedLength = 0;
        if (_names.Length > MaxKept)
            (_names, _tables) = (new (int, int)[256], []);
        if (_unescaped.Length > MaxKept * 16)
            _unescaped = new byte[256];
    }

    public void Open()
    {
        var tablesEnd = _open == 0 ? 0 : _objects[_open - 1].Table + _objects[_open - 1].Slots;
        _objects[_open++] = new OpenObject { FirstName = _count, Table = tablesEnd, Unescaped = _unescapedLength };
    }

    public void Close()
    {
        var closed = _objects[--_open];
        (_count, _unescapedLength) = (closed.FirstName, closed.Unescaped);
    }

    /// <summary>Adds a name that stands in <paramref name="text"/> as it reads; false when the object has it already.</summary>
    public bool Add(ReadOnlySpan<byte> text, int start, int length) => Add(text, (start, length));

    /// <summary>Adds a name that stands escaped in the text; false when the object has it already.</summary>
    public bool AddUnescaped(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        if (_unescaped.Length - _unescapedLength < name.Length)
            Array.Resize(ref _unescaped, Math.Max(_unescaped.Length * 2, _unescapedLength + name.Length));
        name.CopyTo(_unescaped.AsSpan(_unescapedLength));
        var added = (~_unescapedLength, name.Length);
        _unescapedLength += name.Length;
        return Add(text, added);
    }

    private bool Add(ReadOnlySpan<byte> text, (int, int) name)
    {
        ref var current = ref _objects[_open - 1];
        if (_count == _names.Length)
            Array.Resize(ref _names, _names.Length * 2);
        _names[_count] = name;
        var added = Bytes(text, _count);
        if (current.Slots == 0)
        {
            for (var i = current.FirstName; i < _count; i++)
                if (Bytes(text, i).SequenceEqual(added))
                    return false;
            if (++_count - current.FirstName > MaxCompared)
                Grow(text, ref current, MaxCompared * 8);
            return true;
        }
        if (!TryPlace(text, current, _count))
            return false;
        if ((++_count - current.FirstName) * 2 > current.Slots)
            Grow(text, ref current, current.Slots * 4);
        return true;
    }

    private void Grow(ReadOnlySpan<byte> text, ref OpenObject current, int slots)
    {
        current.Slots = slots;
        if (_tables.Length < current.Table + slots)
            Array.Resize(ref _tables, Math.Max(_tables.Length * 2, current.Table + slots));
        _tables.AsSpan(current.Table, slots).Clear();
        for (var i = current.FirstName; i < _count; i++)
            TryPlace(text, current, i);
    }

    /// <summary>A slot holds the number of a name and one more, 0 when it is free.</summary>
    private bool TryPlace(ReadOnlySpan<byte> text, OpenObject current, int name)
    {
        var bytes = Bytes(text, name);
        var mask = current.Slots - 1;
        for (var at = (int)_hash.Of(bytes) & mask; ; at = (at + 1) & mask)
        {
            ref var slot = ref _tables[current.Table + at];
            if (slot == 0)
            {
                slot = name + 1;
                return true;
            }
            if (Bytes(text, slot - 1).SequenceEqual(bytes))
                return false;
        }
    }

    private ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> text, int name)
    {
        var (start, length) = _names[name];
        return start >= 0 ? text.Slice(start, length) : _unescaped.AsSpan(~start, length);
    }

    private struct OpenObject
    {
        public int FirstName;

        /// <summary>Where its hash table begins, and how many slots it has: a power of two, 0 while names are compared one by one.</summary>
        public int Table;
        public int Slots;
        public int Unescaped;
    }
}
