using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tocsin.Projections;

/// <summary>Texts as JSON.</summary>
internal static class JsonName
{
    /// <summary>The text escaped, without quotes. Half a surrogate pair has no UTF-8 and becomes U+FFFD.</summary>
    public static byte[] Escape(string text) =>
        JsonEncodedText.Encode(Encoding.UTF8.GetBytes(text), JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray();
}
