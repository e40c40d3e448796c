using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Tocsin.Projections;

/// <summary>
/// The names of one object met so far. A few plain names are compared one by one without allocating; with more of them, or an escaped one,
/// a set of the unescaped texts takes over, so that a hostile record costs no more than its length.
/// </summary>
internal ref struct SeenNames(ReadOnlySpan<byte> record)
{
    private const int MaxComparedSingly = 16;

    private readonly ReadOnlySpan<byte> record = record;
    private InlineArray16<Range> plain;
    private int count;
    private HashSet<string>? texts;

    /// <summary>False when the name the reader stands at was there before. Throws when the name is no text (half a surrogate pair).</summary>
    public bool Add(ref Utf8JsonReader reader)
    {
        if (texts is null && count < MaxComparedSingly && !reader.ValueIsEscaped)
            return AddPlain(reader.ValueSpan, (int)reader.TokenStartIndex + 1);
        texts ??= TextsSoFar();
        return texts.Add(reader.GetString()!);
    }

    private bool AddPlain(ReadOnlySpan<byte> name, int start)
    {
        for (var i = 0; i < count; i++)
            if (record[plain[i]].SequenceEqual(name))
                return false;
        plain[count++] = start..(start + name.Length);
        return true;
    }

    private readonly HashSet<string> TextsSoFar()
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
            all.Add(Encoding.UTF8.GetString(record[plain[i]]));
        return all;
    }
}
