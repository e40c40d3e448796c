using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Tocsin.Collect;

/// <summary>Reads what a token endpoint answers (RFC 6749, 5.1 and 5.2). What it says of the answer holds neither the token nor the secret.</summary>
internal sealed class TokenAnswer(Redaction redaction)
{
    private const int MaxShownCharacters = 200;

    private static readonly TimeSpan UnsaidLife = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestLife = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestMargin = TimeSpan.FromSeconds(30);
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>RFC 6750, 2.1: b64token.</summary>
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    /// <summary>Codes that stay as they are until a person changes something.</summary>
    private static readonly string[] NeedsAPerson = ["invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "access_denied", "unsupported_grant_type"];

    /// <summary>The token and how long it is used, from when it was asked for; or what is wrong.</summary>
    public (string? Token, TimeSpan Usable, FetchFailure? Failure) Read(byte[] body)
    {
        using var document = Parse(body);
        if (document is null)
            return Wrong(FetchFailureKind.Malformed, "its answer is no JSON object");
        var root = document.RootElement;
        if (Text(root, "access_token") is not { Length: > 0 } token)
            return Wrong(FetchFailureKind.Malformed, "its answer has no access_token");
        if (token.AsSpan().ContainsAnyExcept(TokenCharacters))
            return Wrong(FetchFailureKind.Malformed, "its access_token holds a character that no header can carry");
        if (Text(root, "token_type") is not { } type)
            return Wrong(FetchFailureKind.Malformed, "its answer has no token_type");
        if (!string.Equals(type, "bearer", StringComparison.OrdinalIgnoreCase))
            return Wrong(FetchFailureKind.UnexpectedStatus, $"it gives tokens of the type {Shown(type)}, and only bearer is known here");
        var life = Life(root);
        var margin = life / 10;
        return (token, life - (margin < LongestMargin ? margin : LongestMargin), null);
    }

    /// <summary>A failure by its status, with what the endpoint says about it.</summary>
    public FetchFailure Refusal(FetchFailure failure, byte[]? body)
    {
        using var document = body is null ? null : Parse(body);
        if (document is null || Text(document.RootElement, "error") is not { Length: > 0 } code)
            return failure with { Message = failure.Message.Replace("the upstream", "it", StringComparison.Ordinal) };
        var description = Text(document.RootElement, "error_description") is { Length: > 0 } text ? $" ({Shown(text)})" : "";
        var kind = NeedsAPerson.Contains(code, StringComparer.Ordinal) && !failure.IsTransient ? FetchFailureKind.Unauthorised : failure.Kind;
        return failure with { Kind = kind, Message = $"it answered {failure.Status} {Shown(code)}{description}: check auth.oauth2" };
    }

    private static TimeSpan Life(JsonElement root)
    {
        if (!root.TryGetProperty("expires_in", out var said))
            return UnsaidLife;
        // Some write the number as a text.
        var text = said.ValueKind == JsonValueKind.Number ? said.GetRawText() : Text(root, "expires_in");
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) || !double.IsFinite(seconds))
            return UnsaidLife;
        return TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LongestLife.TotalSeconds));
    }

    private static JsonDocument? Parse(byte[] body)
    {
        try
        {
            var document = JsonDocument.Parse(body, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Said by whoever asked, without a part of the answer: that may be the token.
        }
        return null;
    }

    private static string? Text(JsonElement root, string name)
    {
        try
        {
            return root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // Not valid Unicode.
        }
    }

    private string Shown(string text)
    {
        var shown = redaction.Text(text);
        return shown.Length <= MaxShownCharacters ? shown : shown[..MaxShownCharacters] + "…";
    }

    private static (string?, TimeSpan, FetchFailure?) Wrong(FetchFailureKind kind, string message) => (null, default, new FetchFailure(kind, message));
}
