namespace Tocsin.Access;

/// <summary>What a token may be called: its name is the source of what it pushes, and stands in the record of what it did.</summary>
public static class TokenName
{
    public const int MaxCharacters = 100;
    private const string Others = "._-";

    // Names of callers who have no token that was made here, and of what Tocsin itself records.
    private static readonly string[] Reserved = [Journal.EventFilter.OwnSource, "admin", "anonymous"];

    /// <summary>Why a token cannot have this name; null when it can.</summary>
    public static string? Defect(string? name, IReadOnlyCollection<string> sources) =>
        name is null or "" || name.Length > MaxCharacters ? $"expected 1 to {MaxCharacters} characters"
        : !name.All(c => char.IsAsciiLetterOrDigit(c) || Others.Contains(c)) ? "expected letters a to z, digits, and . _ - only"
        : name is "." or ".." ? "expected a name that can stand in a path: not . or .."
        : Reserved.Contains(name, StringComparer.OrdinalIgnoreCase) ? $"{name} is the name of somebody already: choose another"
        : sources.Contains(name, StringComparer.OrdinalIgnoreCase) ? $"{name} is the name of a source, and what the token pushes would look like it: choose another"
        : null;
}
