using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Tocsin.Enrich.Geo;

namespace Tocsin.Tests.Enrich.Geo;

/// <summary>A record of a MaxMind DB as JSON: what the reader reads, all of it, for comparison with what the file was made from.</summary>
internal static class MmdbJson
{
    /// <summary>Null when a value cannot be read, or when there are too many.</summary>
    public static JsonNode? Read(MmdbSection section, int at)
    {
        var left = MmdbSection.MaxValues;
        return Value(section, ref at, 0, ref left, out var node) ? node : null;
    }

    private static bool Value(MmdbSection section, ref int at, int depth, ref int left, out JsonNode? node)
    {
        node = null;
        if (--left < 0 || depth > MmdbSection.MaxDepth || !section.TryRead(at, out var item))
            return false;
        var inside = item.Payload;
        at = item.Next;
        switch (item.Type)
        {
            case MmdbType.Map:
                node = new JsonObject();
                for (var i = 0; i < item.Size; i++)
                {
                    if (!Value(section, ref inside, depth + 1, ref left, out var name) || !Value(section, ref inside, depth + 1, ref left, out var member) || name is not JsonValue text || !text.TryGetValue<string>(out var called))
                        return false;
                    node[called] = member;
                }
                at = item.Next == item.Payload ? inside : item.Next;
                return true;
            case MmdbType.Array:
                var array = new JsonArray();
                for (var i = 0; i < item.Size; i++)
                {
                    if (!Value(section, ref inside, depth + 1, ref left, out var element))
                        return false;
                    array.Add(element);
                }
                node = array;
                at = item.Next == item.Payload ? inside : item.Next;
                return true;
            case MmdbType.Boolean:
                node = item.Size == 1;
                return true;
            default:
                node = Scalar(item.Type, section.Payload(item));
                return node is not null;
        }
    }

    private static JsonNode? Scalar(MmdbType type, ReadOnlySpan<byte> payload)
    {
        UInt128 number = 0;
        foreach (var part in payload)
            number = (number << 8) | part;
        return type switch
        {
            MmdbType.Text => Encoding.UTF8.GetString(payload),
            MmdbType.Bytes => Convert.ToHexStringLower(payload),
            MmdbType.Double => BinaryPrimitives.ReadDoubleBigEndian(payload),
            MmdbType.Float => BinaryPrimitives.ReadSingleBigEndian(payload),
            MmdbType.UInt16 or MmdbType.UInt32 or MmdbType.UInt64 => (ulong)number,
            MmdbType.Int32 => (int)(uint)number,
            MmdbType.UInt128 => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
            _ => null,
        };
    }
}
