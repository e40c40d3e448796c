using System.Globalization;

namespace Tocsin.Collect.Reading;

/// <summary>
/// One value of a configuration file. Each way of reading it returns null after it has recorded what is wrong, so that reading
/// goes on and finds the other mistakes too. Messages quote the text as written; a text with a secret in it is never resolved there.
/// </summary>
/// <param name="file">Where mistakes are recorded.</param>
/// <param name="line">Line of the value.</param>
/// <param name="key">Full key, for messages.</param>
/// <param name="raw">The text as written; null when the file gives no value.</param>
public sealed class ConfigScalar(ConfigFile file, int line, string key, string? raw)
{
    /// <summary>The text as written, references and all; empty when there is none.</summary>
    public string Raw => raw ?? "";

    /// <summary>True when it stands in a file, not in the environment.</summary>
    public bool IsInFile => line > 0;

    /// <summary>Records a mistake in this value.</summary>
    public void Fail(string message, string? allowed = null) => file.Fail(line, key, message, allowed);

    /// <summary>The text with its references resolved; never empty.</summary>
    public string? Text()
    {
        if (string.IsNullOrWhiteSpace(raw))
        {
            Fail("has no value");
            return null;
        }
        if (SecretResolver.HasReference(raw) && !file.MayRefer(key))
        {
            Fail(SecretResolver.NotHere);
            return null;
        }
        var text = file.Secrets.Resolve(raw, file.Folder, out var problem, key.StartsWith("auth.oauth2", StringComparison.Ordinal) ? file.TokenValues : file.OutsideValues);
        if (problem is not null)
            Fail(problem);
        return text;
    }

    /// <summary>A text that must not stand in the file itself; in the environment (which has no lines) it may.</summary>
    public string? Secret()
    {
        if (line > 0 && !string.IsNullOrWhiteSpace(raw) && !SecretResolver.HasReference(raw))
        {
            Fail("a secret does not stand in the file itself", "${env:NAME}, ${file:PATH}");
            return null;
        }
        return Text();
    }

    /// <summary>One of some words, as they are.</summary>
    public string? OneOf(IReadOnlyCollection<string> words)
    {
        var text = Text();
        if (text is null || words.Contains(text, StringComparer.Ordinal))
            return text;
        Fail(Suggestion.For(text, words) is { } meant ? $"{Quoted} is not known; did you mean {meant}?" : $"{Quoted} is not known", string.Join(", ", words));
        return null;
    }

    public bool? Flag() => OneOf(["true", "false"]) is { } word ? word == "true" : null;

    public long? Integer(long min, long max)
    {
        if (Text() is not { } text)
            return null;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;
        Fail($"{Quoted} is not a whole number in range", $"{min} to {max}");
        return null;
    }

    public TimeSpan? Duration(TimeSpan min, TimeSpan max)
    {
        if (Text() is not { } text)
            return null;
        if (Quantity.TryParseDuration(text, out var duration) && duration >= min && duration <= max)
            return duration;
        Fail($"{Quoted} is not a duration in range", $"{Quantity.Format(min)} to {Quantity.Format(max)}, as 300ms, 30s, 5m, 1h, 2d");
        return null;
    }

    internal long? Bytes(long min, long max)
    {
        if (Text() is not { } text)
            return null;
        if (Quantity.TryParseBytes(text, out var bytes) && bytes >= min && bytes <= max)
            return bytes;
        Fail($"{Quoted} is not a size in range", $"{Quantity.FormatBytes(min)} to {Quantity.FormatBytes(max)}, as 64KiB, 32MiB");
        return null;
    }

    /// <summary>A path, made absolute: relative paths are relative to the file they stand in.</summary>
    public string? FullPath()
    {
        if (Text() is not { } text)
            return null;
        if (!text.Contains('\0', StringComparison.Ordinal))
            return Path.GetFullPath(text, Path.GetFullPath(file.Folder));
        Fail("is not a path");
        return null;
    }

    /// <summary>The text as written, in quotes.</summary>
    internal string Quoted => $"\"{Raw}\"";
}
