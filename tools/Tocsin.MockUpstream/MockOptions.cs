namespace Tocsin.MockUpstream;

/// <summary>What the mock upstream serves, and how it behaves until it is told otherwise over HTTP.</summary>
public sealed record MockOptions
{
    /// <summary>Addresses to listen on, separated by <c>;</c>. Port 0 takes a free one. Loopback by default: the password is public.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:9001";

    /// <summary>Incidents in each feed's window at the start, 0 to 1,000,000; what is added later comes on top. 300, as recorded.</summary>
    public int PerType { get; init; } = 300;

    /// <summary>People who hold an address, 1 to 500,000.</summary>
    public int Employees { get; init; } = 1000;

    /// <summary>Alerts at the start, 0 to 1,000,000.</summary>
    public int Alerts { get; init; } = 500;

    /// <summary>Delay of each upstream answer, 0 to 60 s.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>New records a second over all feeds together, 0 to 10,000.</summary>
    public double DripPerSecond { get; init; }

    /// <summary>The same seed and the same start time make the same records and the same choice of faults.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>A folder of recorded answers to serve byte for byte; nothing is made then. Null: made records.</summary>
    public string? ReplayDirectory { get; init; }

    /// <summary>Throws with the option's name where a value is out of its range.</summary>
    internal void Validate()
    {
        InRange(PerType, 0, RecordLog.MaxRecords, nameof(PerType));
        InRange(Employees, 1, Employee.MaxEmployees, nameof(Employees));
        InRange(Alerts, 0, RecordLog.MaxRecords, nameof(Alerts));
        InRange(Latency.TotalMilliseconds, 0, MockConfig.MaxLatency.TotalMilliseconds, nameof(Latency));
        InRange(DripPerSecond, 0, MockConfig.MaxDripPerSecond, nameof(DripPerSecond));
        ArgumentException.ThrowIfNullOrWhiteSpace(Urls);
    }

    private static void InRange(double value, double min, double max, string name)
    {
        // written so that NaN is refused too
        if (!(value >= min && value <= max))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be {min} to {max}");
    }
}
