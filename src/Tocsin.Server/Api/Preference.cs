using Microsoft.Extensions.Primitives;

namespace Tocsin.Server.Api;

/// <summary>What a sender would like (RFC 7240): a wish that is followed where it can be, and never a reason to refuse.</summary>
internal static class Preference
{
    public const string Async = "respond-async";

    /// <summary>True when the sender does not want to wait for the commit. What else it prefers, and parameters, are none of ours.</summary>
    public static bool RespondAsync(IHeaderDictionary headers)
    {
        if (!headers.TryGetValue("Prefer", out var values))
            return false;
        foreach (var value in values)
            foreach (var wish in new StringTokenizer(value ?? "", [',']))
                if (wish.AsSpan().Trim().ToString().Split(';')[0].TrimEnd().Equals(Async, StringComparison.OrdinalIgnoreCase))
                    return true;
        return false;
    }
}
