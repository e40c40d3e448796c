using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Tocsin.Journal;

/// <summary>
/// Writes a JSON value so that two texts that mean the same give the same bytes: members sorted by name, white space and escapes gone,
/// numbers as their raw text (1.0 and 1 stay different: digits are content here). The form is for hashing, not for reading: every
/// part carries its length, so that no two values share it.
/// </summary>
public static class CanonicalJson
{
    /// <summary>Appends <paramref name="value"/> to <paramref name="output"/>.</summary>
    public static void Write(JsonElement value, IBufferWriter<byte> output)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var members = value.EnumerateObject().Select(member => (member.Name, member.Value)).ToArray();
                Array.Sort(members, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
                Head(output, 'o', members.Length);
                foreach (var (name, member) in members)
                {
                    Text(output, 'n', name);
                    Write(member, output);
                }
                break;
            case JsonValueKind.Array:
                Head(output, 'a', value.GetArrayLength());
                foreach (var item in value.EnumerateArray())
                    Write(item, output);
                break;
            case JsonValueKind.String:
                Text(output, 's', value.GetString()!);
                break;
            case JsonValueKind.Number:
                Text(output, 'd', value.GetRawText());
                break;
            default:
                Head(output, 'l', (int)value.ValueKind);
                break;
        }
    }

    /// <summary>Appends one text with its tag and length.</summary>
    public static void Text(IBufferWriter<byte> output, char tag, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        Head(output, tag, length);
        if (length > 0)
            output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(length)));
    }

    private static void Head(IBufferWriter<byte> output, char tag, int count)
    {
        var head = output.GetSpan(5);
        head[0] = (byte)tag;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], count);
        output.Advance(5);
    }
}
