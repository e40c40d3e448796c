using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Tocsin;

/// <summary>
/// An instant with the precision it came with: seconds since 1970-01-01T00:00:00Z, nanoseconds, and how many fractional
/// digits were written (0 to 9; more are cut). Years 1 to 9999, so that RFC 3339 can write it.
/// </summary>
public readonly record struct EventTime : IComparable<EventTime>
{
    /// <summary>The longest text form: 2026-01-31T12:00:00.123456789Z.</summary>
    public const int MaxTextBytes = 30;

    private const long MinSeconds = -62_135_596_800;
    private const long MaxSeconds = 253_402_300_799;

    /// <summary>Numbers of this size and more are milliseconds, not seconds.</summary>
    private const long FirstMillisecondValue = 100_000_000_000;

    /// <summary>The first instant there is.</summary>
    public static EventTime Min { get; } = new(MinSeconds * TimeSpan.TicksPerSecond, 0, 0);

    /// <summary>The last.</summary>
    public static EventTime Max { get; } = new((MaxSeconds * TimeSpan.TicksPerSecond) + TimeSpan.TicksPerSecond - 1, 99, 9);

    private EventTime(long unixTicks, byte subTickNanoseconds, byte digits)
    {
        UnixTicks = unixTicks;
        SubTickNanoseconds = subTickNanoseconds;
        Digits = digits;
    }

    /// <summary>100 ns ticks since the Unix epoch, rounded down.</summary>
    public long UnixTicks { get; }

    /// <summary>Nanoseconds past <see cref="UnixTicks"/>, 0 to 99.</summary>
    public byte SubTickNanoseconds { get; }

    /// <summary>Fractional digits that came in, 0 to 9.</summary>
    public byte Digits { get; }

    /// <summary><see cref="SubTickNanoseconds"/> and <see cref="Digits"/> in one stored number.</summary>
    public int StoredPrecision => (Digits * 100) + SubTickNanoseconds;

    public static EventTime FromStored(long unixTicks, int precision) =>
        new(unixTicks, (byte)(precision % 100), (byte)(precision / 100));

    /// <summary>A clock's reading, with <paramref name="digits"/> fractional digits.</summary>
    public static EventTime From(DateTimeOffset instant, byte digits = 7)
    {
        var ticks = instant.UtcTicks - DateTime.UnixEpoch.Ticks;
        var step = (long)Math.Pow(10, 7 - Math.Min(digits, (byte)7));
        return new(ticks - FloorMod(ticks, step), 0, Math.Min(digits, (byte)7));
    }

    /// <summary>The instant to 100 ns.</summary>
    public DateTimeOffset ToDateTimeOffset() => new(UnixTicks + DateTime.UnixEpoch.Ticks, TimeSpan.Zero);

    /// <summary>
    /// Reads a JSON number's raw text as Unix seconds, possibly fractional or with an exponent; 1e11 and more are milliseconds.
    /// Decimal arithmetic: 1629254311.8207245 keeps every digit.
    /// </summary>
    public static bool TryParseNumber(ReadOnlySpan<byte> utf8, out EventTime time)
    {
        time = default;
        if (utf8.Length > 40 || !Utf8Parser.TryParse(utf8, out decimal value, out var used, utf8.IndexOfAny((byte)'e', (byte)'E') < 0 ? 'G' : 'E')
            || used != utf8.Length || Math.Abs(value) > 1e15m)
            return false;
        var digits = Math.Min(value.Scale, (byte)9);
        if (Math.Abs(value) >= FirstMillisecondValue)
        {
            value /= 1000;
            digits = (byte)Math.Min(digits + 3, 9);
        }
        var seconds = decimal.Floor(value);
        return TryCreate((long)seconds, (int)decimal.Truncate((value - seconds) * 1_000_000_000m), digits, out time);
    }

    /// <summary>
    /// Reads an RFC 3339 date-time: any offset, <c>T</c> or a space, 1 or more fractional digits. An offset must be there: a
    /// time without one names no instant. A leap second (:60) is refused.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out EventTime time)
    {
        time = default;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] is not ('T' or 't' or ' ') || text[13] != ':' || text[16] != ':')
            return false;
        var rest = text[19..];
        long fraction = 0;
        var digits = 0;
        if (rest[0] == '.')
        {
            rest = rest[1..];
            while (digits < rest.Length && char.IsAsciiDigit(rest[digits]))
            {
                if (digits < 9)
                    fraction = (fraction * 10) + (rest[digits] - '0');
                digits++;
            }
            if (digits == 0)
                return false;
            rest = rest[digits..];
            for (var i = digits; i < 9; i++)
                fraction *= 10;
        }
        if (!TryOffset(rest, out var offset)
            || !DateTime.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            || !TryTwo(text[11..], 23, out var hour) || !TryTwo(text[14..], 59, out var minute) || !TryTwo(text[17..], 59, out var second))
            return false;
        var seconds = ((date.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond) + (hour * 3600) + (minute * 60) + second - (offset * 60);
        return TryCreate(seconds, (int)fraction, (byte)Math.Min(digits, 9), out time);
    }

    /// <summary>RFC 3339 in UTC with as many fractional digits as came in.</summary>
    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxTextBytes];
        return Encoding.ASCII.GetString(text[..Format(text)]);
    }

    /// <summary>Writes what <see cref="ToString"/> gives; returns its length, at most <see cref="MaxTextBytes"/>.</summary>
    public int Format(Span<byte> utf8)
    {
        // The sortable form is RFC 3339 to the second, without an offset.
        ToDateTimeOffset().UtcDateTime.TryFormat(utf8, out _, "s", CultureInfo.InvariantCulture);
        var length = 19;
        if (Digits > 0)
        {
            Span<byte> fraction = stackalloc byte[9];
            Nanoseconds.TryFormat(fraction, out _, "D9", CultureInfo.InvariantCulture);
            utf8[length++] = (byte)'.';
            fraction[..Digits].CopyTo(utf8[length..]);
            length += Digits;
        }
        utf8[length++] = (byte)'Z';
        return length;
    }

    /// <summary>Unix seconds as a JSON number with as many fractional digits as came in.</summary>
    public string ToUnixSeconds()
    {
        var whole = FloorDiv(UnixTicks, TimeSpan.TicksPerSecond);
        var fraction = Nanoseconds / 1_000_000_000m;
        return (whole + fraction).ToString("F" + Digits, CultureInfo.InvariantCulture);
    }

    public int CompareTo(EventTime other) =>
        UnixTicks != other.UnixTicks ? UnixTicks.CompareTo(other.UnixTicks) : SubTickNanoseconds.CompareTo(other.SubTickNanoseconds);

    public static bool operator <(EventTime left, EventTime right) => left.CompareTo(right) < 0;
    public static bool operator >(EventTime left, EventTime right) => left.CompareTo(right) > 0;
    public static bool operator <=(EventTime left, EventTime right) => left.CompareTo(right) <= 0;
    public static bool operator >=(EventTime left, EventTime right) => left.CompareTo(right) >= 0;

    private long Nanoseconds => (FloorMod(UnixTicks, TimeSpan.TicksPerSecond) * 100) + SubTickNanoseconds;

    private static bool TryCreate(long seconds, int nanoseconds, byte digits, out EventTime time)
    {
        time = default;
        if (seconds is < MinSeconds or > MaxSeconds)
            return false;
        time = new EventTime((seconds * TimeSpan.TicksPerSecond) + (nanoseconds / 100), (byte)(nanoseconds % 100), digits);
        return true;
    }

    private static bool TryOffset(ReadOnlySpan<char> text, out int minutes)
    {
        minutes = 0;
        if (text is "Z" or "z")
            return true;
        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':' || !TryTwo(text[1..], 23, out var h) || !TryTwo(text[4..], 59, out var m))
            return false;
        minutes = ((h * 60) + m) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool TryTwo(ReadOnlySpan<char> text, int max, out int value)
    {
        value = 0;
        if (text.Length < 2 || !char.IsAsciiDigit(text[0]) || !char.IsAsciiDigit(text[1]))
            return false;
        value = ((text[0] - '0') * 10) + text[1] - '0';
        return value <= max;
    }

    private static long FloorDiv(long value, long by) => (value - FloorMod(value, by)) / by;

    private static long FloorMod(long value, long by) => ((value % by) + by) % by;
}
