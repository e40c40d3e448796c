using System.Collections.Concurrent;

namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>Small numbers for texts that repeat: a column of numbers is searched many times faster than one of texts. One thread adds, any number look.</summary>
internal sealed class CodeTable
{
    /// <summary>The code of no text at all.</summary>
    public const int None = 0;

    private readonly ConcurrentDictionary<string, int> _codes = new(1, 64, StringComparer.Ordinal);
    private string?[] _texts = new string?[64];
    private int _count = 1;

    /// <summary>Codes given, <see cref="None"/> among them: each code is below this.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The text of each code below <see cref="Count"/>.</summary>
    public ReadOnlySpan<string?> Texts
    {
        get
        {
            // The count first: the texts that are read after it are at least as many.
            var count = Count;
            return Volatile.Read(ref _texts).AsSpan(0, count);
        }
    }

    public int Add(string? text)
    {
        if (text is null)
            return None;
        if (_codes.TryGetValue(text, out var code))
            return code;
        if (_count == _texts.Length)
        {
            var longer = new string?[_count * 2];
            _texts.CopyTo(longer, 0);
            Volatile.Write(ref _texts, longer);
        }
        _texts[_count] = text;
        _codes[text] = _count;
        Volatile.Write(ref _count, _count + 1);
        return _count - 1;
    }

    /// <summary>-1 when no row has it.</summary>
    public int Find(string text) => _codes.GetValueOrDefault(text, -1);
}
