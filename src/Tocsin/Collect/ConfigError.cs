namespace Tocsin.Collect;

/// <summary>
/// One mistake in a configuration file, said so that it can be corrected without reading any code. It quotes a file's text as
/// written, never what a secret stands for.
/// </summary>
/// <param name="File">The file as the caller named it, or <c>environment</c>.</param>
/// <param name="Line">Line in the file, from 1; 0 when the mistake has no line.</param>
/// <param name="Key">The key at fault (<c>map[1].time</c>); empty when the file as a whole is.</param>
/// <param name="Message">What is wrong, and what to do where that is not plain.</param>
public sealed record ConfigError(string File, int Line, string Key, string Message)
{
    /// <summary>The values allowed; null when the message says it all.</summary>
    public string? Allowed { get; init; }

    public override string ToString()
    {
        var place = Line > 0 ? $"{File}:{Line}: " : $"{File}: ";
        var key = Key.Length > 0 ? $"{Key}: " : "";
        return Allowed is null ? $"{place}{key}{Message}" : $"{place}{key}{Message} (allowed: {Allowed})";
    }
}
