using System.Buffers.Binary;

namespace Tocsin.Enrich.Geo;

/// <summary>The types of a MaxMind DB's values, by their numbers in the file.</summary>
internal enum MmdbType
{
    Pointer = 1,
    Text = 2,
    Double = 3,
    Bytes = 4,
    UInt16 = 5,
    UInt32 = 6,
    Map = 7,
    Int32 = 8,
    UInt64 = 9,
    UInt128 = 10,
    Array = 11,
    Boolean = 14,
    Float = 15,
}

/// <summary>
/// The head of a value: its type, the bytes of its payload (of a map and an array the number of entries, of a boolean its value), where the payload
/// begins, and where what stands behind the head begins: of a scalar behind its payload, of a pointer behind the pointer.
/// </summary>
internal readonly record struct MmdbItem(MmdbType Type, int Size, int Payload, int Next);

/// <summary>
/// A run of values in a MaxMind DB file: the data, or the metadata. Reads nothing outside of the run, whatever the bytes say: what cannot be read
/// is false.
/// </summary>
internal sealed class MmdbSection(byte[] bytes, int start, int end)
{
    /// <summary>How deep a value may stand in others; real files have 5.</summary>
    public const int MaxDepth = 64;

    /// <summary>Values that one record may hold, and so the work of one look-up. Real records have some hundred.</summary>
    public const int MaxValues = 10_000;

    /// <summary>Where it begins in the file.</summary>
    public int Start => start;

    /// <summary>Its bytes.</summary>
    public int Length => end - start;

    /// <summary>Reads the head of the value at a place in the file, behind the pointer when it is one.</summary>
    public bool TryRead(int at, out MmdbItem item)
    {
        if (!TryHead(at, out item))
            return false;
        if (item.Type != MmdbType.Pointer)
            return true;
        // A pointer leads to a value, never to another pointer.
        var next = item.Next;
        var found = TryHead(item.Payload, out item) && item.Type != MmdbType.Pointer;
        item = item with { Next = next };
        return found;
    }

    /// <summary>The payload of a text, of bytes or of a number.</summary>
    public ReadOnlySpan<byte> Payload(MmdbItem item) => bytes.AsSpan(item.Payload, item.Size);

    /// <summary>Goes to the value of a name in a map: <paramref name="at"/> is where it stands.</summary>
    public bool TryMember(MmdbItem map, ReadOnlySpan<byte> name, ref int budget, out int at)
    {
        at = map.Payload;
        if (map.Type != MmdbType.Map)
            return false;
        for (var i = 0; i < map.Size; i++)
        {
            if (--budget < 0 || !TryRead(at, out var key) || key.Type != MmdbType.Text)
            {
                budget = -1;
                return false;
            }
            at = key.Next;
            if (Payload(key).SequenceEqual(name))
                return true;
            if (!TrySkip(ref at, ref budget))
                return false;
        }
        return false;
    }

    /// <summary>Reads the text of a name in a map; empty when there is none. A broken value makes the budget negative.</summary>
    public ReadOnlySpan<byte> Text(MmdbItem map, ReadOnlySpan<byte> name, ref int budget) =>
        TryMember(map, name, ref budget, out var at) && TryRead(at, out var item) && item.Type == MmdbType.Text ? Payload(item) : [];

    /// <summary>
    /// True when the whole value at <paramref name="at"/> is sound, with all that it points to; <paramref name="at"/> is behind it then. A value
    /// that holds itself is too deep.
    /// </summary>
    public bool Check(ref int at, int depth, ref int budget)
    {
        if (--budget < 0 || depth > MaxDepth || !TryRead(at, out var item))
            return false;
        var inside = item.Payload;
        switch (item.Type)
        {
            case MmdbType.Map:
                for (var i = 0; i < item.Size; i++)
                    if (!TryRead(inside, out var key) || key.Type != MmdbType.Text || !Check(ref inside, depth + 1, ref budget) || !Check(ref inside, depth + 1, ref budget))
                        return false;
                break;
            case MmdbType.Array:
                for (var i = 0; i < item.Size; i++)
                    if (!Check(ref inside, depth + 1, ref budget))
                        return false;
                break;
            case MmdbType.Text when !System.Text.Unicode.Utf8.IsValid(Payload(item)):
                return false;
            default:
                at = item.Next;
                return true;
        }
        // Behind a pointer the container stands elsewhere, and what follows is behind the pointer.
        at = item.Next == item.Payload ? inside : item.Next;
        return true;
    }

    /// <summary>Goes behind a value without following its pointers, so that no file makes it long.</summary>
    private bool TrySkip(ref int at, ref int budget)
    {
        for (long pending = 1; pending > 0; pending--)
        {
            if (--budget < 0 || !TryHead(at, out var item))
            {
                budget = -1;
                return false;
            }
            at = item.Next;
            pending += item.Type == MmdbType.Map ? 2L * item.Size : item.Type == MmdbType.Array ? item.Size : 0;
        }
        return true;
    }

    /// <summary>Reads a head as it stands; of a pointer the payload is what it points to.</summary>
    private bool TryHead(int at, out MmdbItem item)
    {
        item = default;
        if (at < start || at >= end)
            return false;
        var control = bytes[at++];
        var type = control >> 5;
        if (type == (int)MmdbType.Pointer)
            return TryPointer(control, at, out item);
        if (type == 0)
        {
            if (at >= end || bytes[at] == 0)
                return false;
            type = bytes[at++] + 7;
        }
        var size = control & 0x1F;
        if (size >= 29)
        {
            var more = size - 28;
            if (end - at < more)
                return false;
            size = more switch { 1 => 29 + bytes[at], 2 => 285 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at)), _ => 65_821 + ReadUInt24(at) };
            at += more;
        }
        return Sound((MmdbType)type, size, at, out item);
    }

    private bool Sound(MmdbType type, int size, int at, out MmdbItem item)
    {
        var isSized = type is MmdbType.Map or MmdbType.Array or MmdbType.Boolean;
        item = new MmdbItem(type, size, at, isSized ? at : at + size);
        return item.Next <= end && type switch
        {
            MmdbType.Map or MmdbType.Array or MmdbType.Text or MmdbType.Bytes => true,
            MmdbType.Boolean => size <= 1,
            MmdbType.Double => size == 8,
            MmdbType.Float => size == 4,
            MmdbType.UInt16 => size <= 2,
            MmdbType.UInt32 or MmdbType.Int32 => size <= 4,
            MmdbType.UInt64 => size <= 8,
            MmdbType.UInt128 => size <= 16,
            _ => false,
        };
    }

    private bool TryPointer(int control, int at, out MmdbItem item)
    {
        var length = ((control >> 3) & 3) + 1;
        item = default;
        if (end - at < length)
            return false;
        long high = control & 7;
        var target = length switch
        {
            1 => (high << 8) | bytes[at],
            2 => ((high << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at))) + 2_048,
            3 => ((high << 24) | (long)ReadUInt24(at)) + 526_336,
            _ => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at)),
        };
        if (target >= Length)
            return false;
        item = new MmdbItem(MmdbType.Pointer, 0, start + (int)target, at + length);
        return true;
    }

    private int ReadUInt24(int at) => (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
}
