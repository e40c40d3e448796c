using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Tocsin.Collect.Push;

/// <summary>
/// A keyed 64-bit hash of JSON values that tells other content under a known id. White space, the order of an object's members and the way a text is
/// escaped do not matter; the digits of a number do. Taken from the tokens as they come: nothing is sorted (the hashes of members are added up)
/// and nothing is built. What is stored was made with it: never change it.
/// </summary>
internal sealed class ContentHash
{
    private const ulong NameTag = 'n', TextTag = 's', NumberTag = 'd', LiteralTag = 'l', ObjectTag = 'o', ArrayTag = 'a', RawTag = 'r';
    private static readonly JsonReaderOptions Options = new() { MaxDepth = PushLimits.MaxDepth + 2 };
    private readonly SipHash _hash;

    /// <summary>The key comes from the journal's secret, and is another than that of the ids.</summary>
    public ContentHash(byte[] secret)
    {
        Span<byte> key = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, "tocsin push content 1"u8, key);
        _hash = new SipHash(key[..SipHash.KeySizeInBytes]);
    }

    /// <summary>The hash of one value, given as its JSON.</summary>
    public ulong OfValue(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, Options);
        reader.Read();
        return Value(ref reader);
    }

    /// <summary>The hash of bytes that are perhaps no JSON.</summary>
    public ulong OfBytes(ReadOnlySpan<byte> bytes) => _hash.Of(bytes, RawTag);

    /// <summary>Two hashes as one, in their order.</summary>
    public ulong Pair(ulong first, ulong second) => _hash.Of(first, second);

    private ulong Value(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.StartObject => Object(ref json),
        JsonTokenType.StartArray => Array(ref json),
        JsonTokenType.String => Text(ref json, TextTag),
        JsonTokenType.Number => _hash.Of(json.ValueSpan, NumberTag),
        _ => _hash.Of(LiteralTag, (ulong)json.TokenType),
    };

    private ulong Object(ref Utf8JsonReader json)
    {
        ulong sum = 0, count = 0;
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            var name = Text(ref json, NameTag);
            json.Read();
            sum += _hash.Of(name, Value(ref json));
            count++;
        }
        return _hash.Of(ObjectTag + (count << 8), sum);
    }

    private ulong Array(ref Utf8JsonReader json)
    {
        var all = ArrayTag;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            all = _hash.Of(all, Value(ref json));
        return _hash.Of(all, ArrayTag);
    }

    private ulong Text(ref Utf8JsonReader json, ulong tag)
    {
        if (!json.ValueIsEscaped)
            return _hash.Of(json.ValueSpan, tag);
        var text = ArrayPool<byte>.Shared.Rent(json.ValueSpan.Length);
        var hash = _hash.Of(text.AsSpan(0, json.CopyString(text)), tag);
        ArrayPool<byte>.Shared.Return(text);
        return hash;
    }
}
