namespace Tocsin.Collect;

/// <summary>Reads a Link header (RFC 8288).</summary>
internal static class LinkHeader
{
    /// <summary>The target of the first link whose relations name <c>next</c>; null when there is none. What is no Link header has none.</summary>
    public static string? Next(string? header)
    {
        var rest = header.AsSpan();
        while (true)
        {
            var open = rest.IndexOf('<');
            if (open < 0)
                return null;
            rest = rest[(open + 1)..];
            var close = rest.IndexOf('>');
            if (close < 0)
                return null;
            var target = rest[..close].Trim();
            rest = rest[(close + 1)..];
            var end = EndOfParameters(rest);
            if (HasNext(rest[..end]))
                return target.ToString();
            rest = rest[end..];
        }
    }

    /// <summary>Where the next link begins: at a comma outside of quotes.</summary>
    private static int EndOfParameters(ReadOnlySpan<char> text)
    {
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && quoted)
                i++;
            else if (text[i] == '"')
                quoted = !quoted;
            else if (text[i] == ',' && !quoted)
                return i;
        }
        return text.Length;
    }

    private static bool HasNext(ReadOnlySpan<char> parameters)
    {
        foreach (var range in parameters.Split(';'))
        {
            var parameter = parameters[range].Trim();
            var equals = parameter.IndexOf('=');
            if (equals < 0 || !parameter[..equals].TrimEnd().Equals("rel", StringComparison.OrdinalIgnoreCase))
                continue;
            var relations = parameter[(equals + 1)..].Trim().Trim('"');
            foreach (var relation in relations.Split(' '))
                if (relations[relation].Equals("next", StringComparison.OrdinalIgnoreCase))
                    return true;
            return false; // RFC 8288, 3.3: a second rel is ignored.
        }
        return false;
    }
}
