using System.Text;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>
/// FNV-1a, 64 bits, over UTF-8: the same in every process, since it is stored. Where it says "equal" the texts are compared after.
/// </summary>
internal static class StableHash
{
    /// <summary>Never 0: that stands for no text.</summary>
    public static ulong Of(string text)
    {
        Span<byte> buffer = stackalloc byte[256];
        var bytes = text.Length * 3 <= buffer.Length ? buffer[..Encoding.UTF8.GetBytes(text, buffer)] : Encoding.UTF8.GetBytes(text);
        var hash = 14_695_981_039_346_656_037UL;
        foreach (var b in bytes)
            hash = (hash ^ b) * 1_099_511_628_211UL;
        return hash == 0 ? 1 : hash;
    }
}
