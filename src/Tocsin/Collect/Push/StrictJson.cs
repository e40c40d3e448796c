using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Tocsin.Collect.Push;

/// <summary>
/// Reads JSON token by token and lets nothing through that two readers might read differently: a name given twice in one object, half a surrogate pair,
/// more depth than allowed. The text must be valid UTF-8. Throws <see cref="DefectException"/> and <see cref="JsonException"/>.
/// </summary>
internal ref struct StrictJson
{
    // The depth is watched here, one event at a time; an array around the events is one level more.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = PushLimits.MaxDepth + 2 };

    private readonly ReadOnlySpan<byte> _text;
    private readonly NameStack _names;
    private Utf8JsonReader _json;

    public StrictJson(ReadOnlySpan<byte> text, NameStack names)
    {
        _text = text;
        _names = names;
        _json = new Utf8JsonReader(text, Options);
        names.Reset();
    }

    public readonly ReadOnlySpan<byte> Text => _text;

    public readonly JsonTokenType Token => _json.TokenType;

    public readonly ReadOnlySpan<byte> Value => _json.ValueSpan;

    public readonly bool IsEscaped => _json.ValueIsEscaped;

    /// <summary>Where the token begins, a text's quote included.</summary>
    public readonly int Start => (int)_json.TokenStartIndex;

    /// <summary>Where the token ends.</summary>
    public readonly int End => (int)_json.BytesConsumed;

    /// <summary>Levels around the events: 1 within an array of them.</summary>
    public int BaseDepth { get; set; }

    public bool Read()
    {
        if (!_json.Read())
            return false;
        switch (_json.TokenType)
        {
            case JsonTokenType.StartObject:
                CheckDepth();
                _names.Open();
                break;
            case JsonTokenType.EndObject:
                _names.Close();
                break;
            case JsonTokenType.StartArray:
                CheckDepth();
                break;
            case JsonTokenType.PropertyName:
                AddName();
                break;
            case JsonTokenType.String when _json.ValueIsEscaped:
                CheckEscapes(_json.ValueSpan);
                break;
        }
        return true;
    }

    /// <summary>Writes a name or text as it reads, its escapes resolved; returns its length.</summary>
    public readonly int CopyText(Span<byte> destination) => _json.CopyString(destination);

    /// <summary>Goes to the last token of the value that begins here.</summary>
    public void Skip()
    {
        if (_json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return;
        var depth = _json.CurrentDepth;
        while (Read() && _json.CurrentDepth > depth)
        {
        }
    }

    private readonly void CheckDepth()
    {
        if (_json.CurrentDepth - BaseDepth >= PushLimits.MaxDepth)
            throw DefectException.Depth();
    }

    private readonly void AddName()
    {
        if (!_json.ValueIsEscaped)
        {
            if (!_names.Add(_text, (int)_json.TokenStartIndex + 1, _json.ValueSpan.Length))
                throw DefectException.Name(_json.ValueSpan);
            return;
        }
        CheckEscapes(_json.ValueSpan);
        var name = ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length);
        try
        {
            var length = _json.CopyString(name);
            if (!_names.AddUnescaped(_text, name.AsSpan(0, length)))
                throw DefectException.Name(name.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(name);
        }
    }

    /// <summary>Throws when a \u escape is half of a pair. The reader has seen that each escape is whole.</summary>
    private static void CheckEscapes(ReadOnlySpan<byte> text)
    {
        for (var at = text.IndexOf((byte)'\\'); at >= 0; at = Next(text, at + 2))
        {
            if (text[at + 1] != 'u' || Unit(text, at) is var first && !char.IsSurrogate(first))
                continue;
            if (char.IsLowSurrogate(first) || text.Length < at + 12 || text[at + 6] != '\\' || text[at + 7] != 'u' || !char.IsLowSurrogate(Unit(text, at + 6)))
                throw DefectException.Surrogate();
            at += 6;
        }

        static int Next(ReadOnlySpan<byte> text, int from) => from < text.Length && text[from..].IndexOf((byte)'\\') is var found and >= 0 ? from + found : -1;
        static char Unit(ReadOnlySpan<byte> text, int at) => (char)ushort.Parse(text.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier);
    }
}
