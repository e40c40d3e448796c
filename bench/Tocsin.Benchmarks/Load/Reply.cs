using System.Globalization;
using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>An answer in the buffer of its <see cref="Wire"/>: good until the next request there.</summary>
internal readonly record struct Reply(int Status, ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Body)
{
    /// <summary>The value of a header; null when it is not there.</summary>
    public string? Header(string name)
    {
        foreach (var line in Encoding.ASCII.GetString(Head.Span).Split("\r\n"))
            if (line.Length > name.Length && line[name.Length] == ':' && line.StartsWith(name, StringComparison.OrdinalIgnoreCase))
                return line[(name.Length + 1)..].Trim();
        return null;
    }

    /// <summary>Path and query of Link rel=next; null on the last page.</summary>
    public string? Next()
    {
        foreach (var link in (Header("Link") ?? "").Split(", "))
        {
            var end = link.IndexOf('>', StringComparison.Ordinal);
            if (end > 0 && link[0] == '<' && link.AsSpan(end).Contains("next", StringComparison.Ordinal))
                return link[1] == '/' ? link[1..end] : new Uri(link[1..end]).PathAndQuery;
        }
        return null;
    }

    /// <summary>True when the server asks to come again later, and after how long.</summary>
    public bool AsksToWait(out TimeSpan wait)
    {
        wait = Status is 429 or 503 && int.TryParse(Header("Retry-After"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromSeconds(1);
        return Status is 429 or 503;
    }

    /// <summary>The number behind the first <paramref name="name"/> (with its quotes and colon) of the body; -1 when it is not there.</summary>
    public long Number(ReadOnlySpan<byte> name)
    {
        var body = Body.Span;
        var at = body.IndexOf(name);
        if (at < 0)
            return -1;
        at += name.Length;
        while (at < body.Length && body[at] == ' ')
            at++;
        long value = 0;
        for (; at < body.Length && body[at] is >= (byte)'0' and <= (byte)'9'; at++)
            value = (value * 10) + body[at] - '0';
        return value;
    }

    /// <summary>The status and the beginning of the body, for a message.</summary>
    public string Describe() => $"{Status} {Encoding.UTF8.GetString(Body.Span[..Math.Min(Body.Length, 300)])}";
}
