namespace Tocsin.Enrich;

/// <summary>What is wrong in a file: its line, from 1 (0 when the whole file is meant), and what to do where that is not plain.</summary>
public sealed record FileMistake(int Line, string Message)
{
    public override string ToString() => Line == 0 ? Message : $"line {Line}: {Message}";
}

/// <summary>What came of reading a file: its content, or what is wrong with it. A file with a mistake is refused as a whole.</summary>
/// <param name="Value">Null when there are mistakes.</param>
/// <param name="Mistakes">By line, at most <see cref="MaxMistakes"/>, and then one that counts the others.</param>
public sealed record FileContent<T>(T? Value, IReadOnlyList<FileMistake> Mistakes)
    where T : class
{
    /// <summary>Mistakes that are told one by one.</summary>
    public const int MaxMistakes = 20;

    /// <summary>The content, unless there are mistakes.</summary>
    public static FileContent<T> From(Func<T> value, IReadOnlyList<FileMistake> mistakes) => mistakes.Count switch
    {
        0 => new(value(), []),
        <= MaxMistakes => new(null, mistakes),
        _ => new(null, [.. mistakes.Take(MaxMistakes), new FileMistake(0, $"and {mistakes.Count - MaxMistakes:N0} more")]),
    };

    /// <summary>One mistake, of the whole file.</summary>
    public static FileContent<T> Refused(string message) => new(null, [new FileMistake(0, message)]);
}
