using System.Globalization;

namespace Tocsin.Collect.Reading;

/// <summary>Numbers with units, as configuration files write them: whole numbers, no space before the unit.</summary>
public static class Quantity
{
    private static readonly (string Unit, long Milliseconds)[] Durations =
        [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Bytes)[] Sizes =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("B", 1)];

    /// <summary>Reads <c>300ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>, <c>2d</c>.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        var ok = TryParse(text, Durations, StringComparison.Ordinal, TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond, out var milliseconds);
        duration = TimeSpan.FromTicks(milliseconds * TimeSpan.TicksPerMillisecond);
        return ok;
    }

    /// <summary>Writes a duration in the largest unit that needs no fraction.</summary>
    public static string Format(TimeSpan duration) => Format((long)duration.TotalMilliseconds, Durations);

    internal static bool TryParseBytes(string text, out long bytes) =>
        TryParse(text, Sizes, StringComparison.OrdinalIgnoreCase, long.MaxValue, out bytes);

    internal static string FormatBytes(long bytes) => Format(bytes, Sizes);

    private static bool TryParse(string text, (string Unit, long Size)[] units, StringComparison comparison, long max, out long value)
    {
        value = 0;
        var digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        var (_, size) = Array.Find(units, candidate => string.Equals(candidate.Unit, text[digits..], comparison));
        if (size == 0 || number > max / size)
            return false;
        value = number * size;
        return true;
    }

    private static string Format(long value, (string Unit, long Size)[] units)
    {
        var (unit, size) = units.Where(candidate => value % candidate.Size == 0).MaxBy(candidate => candidate.Size);
        return $"{value / size}{unit}";
    }
}
