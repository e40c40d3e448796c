using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;

namespace Tocsin.MockUpstream;

/// <summary><c>/incidents/TYPE/</c>: a window of seven days that slides with the clock. Adding is for one caller at a time.</summary>
internal sealed class IncidentFeed : Feed
{
    internal static readonly TimeSpan Window = TimeSpan.FromDays(7);

    /// <summary>
    /// How much younger than the window the oldest record is at the start. Without it, records would slide out between
    /// the start and the first poll, and the ledger would hold records that nobody could have seen.
    /// </summary>
    internal static readonly TimeSpan StartMargin = TimeSpan.FromHours(1);

    /// <summary>The types with their fields in the order of the wire.</summary>
    internal static readonly ImmutableArray<(string Type, ImmutableArray<string> Fields)> Types =
    [
        ("denial", ["priority", "reported_by", "timestamp", "source_ip"]),
        ("intrusion", ["priority", "internal_ip", "source_ip", "timestamp"]),
        ("executable", ["priority", "machine_ip", "timestamp"]),
        ("misuse", ["priority", "employee_id", "timestamp"]),
        ("unauthorized", ["priority", "employee_id", "timestamp"]),
        ("probing", ["priority", "ip", "timestamp"]),
        ("other", ["priority", "identifier", "timestamp"]),
    ];

    private const int MaxRecordBytes = 256;
    private static readonly string[] Priorities = ["low", "medium", "high", "critical"];
    private static readonly byte[] Head = "{\"results\": ["u8.ToArray();
    private static readonly byte[] Tail = "]}"u8.ToArray();

    private readonly ImmutableArray<string> _fields;
    private readonly Employee[] _employees;
    private readonly Random _random;
    private readonly RecordLog _log = new();

    private volatile Answer? _previous;

    internal IncidentFeed(string type, ImmutableArray<string> fields, Employee[] employees, Random random)
    {
        Type = type;
        _fields = fields;
        _employees = employees;
        _random = random;
    }

    internal string Type { get; }

    internal RecordLog Log => _log;

    /// <summary>Fills the window that ends at <paramref name="now"/>.</summary>
    internal void Fill(int count, DateTimeOffset now)
    {
        var span = (Window - StartMargin).Ticks;
        var times = new long[count];
        for (var i = 0; i < count; i++)
            times[i] = _random.NextInt64(span);
        Array.Sort(times);
        var start = (now - DateTimeOffset.UnixEpoch).Ticks - span;
        foreach (var time in times)
            AppendAt(start + time);
    }

    /// <summary>One record dated <paramref name="now"/>.</summary>
    internal void Add(DateTimeOffset now) => AppendAt((now - DateTimeOffset.UnixEpoch).Ticks);

    internal override Answer Answer(in Ask ask)
    {
        if (ask.Draw.Name == Fault.Repeat && _previous is { } previous)
            return previous;
        var records = _log.From((ask.Now - Window - DateTimeOffset.UnixEpoch).Ticks);
        switch (ask.Draw.Name)
        {
            case Fault.OutOfOrder:
                return new Answer(Head, Shuffled(records, ask.Draw.Salt), Tail);
            case Fault.WrongType:
                return new Answer(Head, Mixed(records, Strangers(), ask.Draw.Salt), Tail);
            case Fault.MissingFields:
                return new Answer(Head, Mixed(records, Fragments(), ask.Draw.Salt), Tail);
            default:
                var answer = new Answer(Head, records.Joined, Tail);
                _previous = answer;
                return answer;
        }
    }

    private void AppendAt(long time)
    {
        // Every record has an instant of its own. Two alike to the last byte would be one record to whoever reads them.
        time = Math.Max(time, _log.LastTime + 1);
        Span<byte> record = stackalloc byte[MaxRecordBytes];
        _log.Append(time, record[..Render(record, time)]);
    }

    private int Render(Span<byte> record, long time)
    {
        var employee = _employees[_random.Next(_employees.Length)];
        var length = 0;
        foreach (var field in _fields)
        {
            Utf8.TryWrite(record[length..], $"{(length == 0 ? "{" : ", ")}\"{field}\": ", out var written);
            length += written;
            length += RenderValue(record[length..], field, employee, time);
        }

        record[length] = (byte)'}';
        return length + 1;
    }

    private int RenderValue(Span<byte> target, string field, Employee employee, long time)
    {
        int written;
        switch (field)
        {
            case "priority":
                Utf8.TryWrite(target, $"\"{Priorities[_random.Next(Priorities.Length)]}\"", out written);
                return written;
            case "timestamp":
                return RenderSeconds(target, time);
            case "source_ip":
                Utf8.TryWrite(target, $"\"{Addresses.Remote(_random)}\"", out written);
                return written;
            case "reported_by" or "employee_id":
            case "identifier" when _random.Next(2) == 0:
                Utf8.TryWrite(target, $"{employee.Id}", out written);
                return written;
            default:
                Utf8.TryWrite(target, $"\"{employee.AddressText}\"", out written);
                return written;
        }
    }

    /// <summary>Digits of the ticks themselves: a double has room for seven decimals only sometimes.</summary>
    private static int RenderSeconds(Span<byte> target, long time)
    {
        Utf8.TryWrite(target, $"{time / TimeSpan.TicksPerSecond}.{time % TimeSpan.TicksPerSecond:D7}", out var written);
        while (target[written - 1] == '0' && target[written - 2] != '.')
            written--;
        return written;
    }

    /// <summary>Records of which no field can be used; the time is unusable in each, so that none can pass for a real one.</summary>
    private IEnumerable<byte[]> Strangers()
    {
        var who = _fields.First(f => f is not ("priority" or "timestamp" or "source_ip"));
        yield return Encoding.UTF8.GetBytes($$"""{"priority": 7, "{{who}}": true, "timestamp": "yesterday"}""");
        yield return Encoding.UTF8.GetBytes($$"""{"priority": null, "{{who}}": {"id": 1}, "timestamp": ["now"]}""");
        yield return Encoding.UTF8.GetBytes($$"""{"priority": ["low"], "{{who}}": [1, 2], "timestamp": null}""");
        yield return Encoding.UTF8.GetBytes($$"""{"priority": {}, "{{who}}": null, "timestamp": false}""");
    }

    /// <summary>Records that are not whole; none has a time, so that none can pass for a real one.</summary>
    private IEnumerable<byte[]> Fragments()
    {
        var who = _fields.First(f => f is not ("priority" or "timestamp" or "source_ip"));
        yield return "{}"u8.ToArray();
        yield return "{\"priority\": \"low\"}"u8.ToArray();
        yield return Encoding.UTF8.GetBytes($$"""{"priority": "high", "{{who}}": 1}""");
    }
}

/// <summary>Made addresses.</summary>
internal static class Addresses
{
    /// <summary>An address outside: never 17.x.x.x, so never one of an employee.</summary>
    internal static string Remote(Random random)
    {
        var first = random.Next(1, 222);
        // 17 is the inside and 127 the machine itself; the two numbers left over at the end take their place
        first = first switch { 17 => 222, 127 => 223, _ => first };
        return FormattableString.Invariant($"{first}.{random.Next(256)}.{random.Next(256)}.{random.Next(1, 255)}");
    }
}
