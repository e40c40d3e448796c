using System.Collections.Immutable;

namespace Tocsin.MockUpstream;

/// <summary>The ways in which the mock misbehaves, by the names they have in <c>/config</c>.</summary>
internal static class Fault
{
    internal const string Http500 = "http_500";
    internal const string Http429 = "http_429";
    internal const string Timeout = "timeout";
    internal const string Truncate = "truncate";
    internal const string Malformed = "malformed";
    internal const string Repeat = "repeat";
    internal const string OutOfOrder = "out_of_order";
    internal const string WrongType = "wrong_type";
    internal const string Redirect = "redirect";
    internal const string BigBody = "big_body";
    internal const string GzipBomb = "gzip_bomb";
    internal const string IdentityGap = "identity_gap";

    /// <summary>In the order in which they are drawn and listed.</summary>
    internal static readonly ImmutableArray<(string Name, string What)> All =
    [
        (Http500, "answers 500"),
        (Http429, "answers 429 with Retry-After, in turn 1 (seconds) and an HTTP date"),
        (Timeout, "never answers; closes the connection after 60 s"),
        (Truncate, "half of the bytes that Content-Length promises, then the connection is closed"),
        (Malformed, "JSON cut in the middle, with the right Content-Length"),
        (Repeat, "incidents: the previous answer of the feed once more; alerts: every third item twice"),
        (OutOfOrder, "the records in no order (incidents and alerts)"),
        (WrongType, "a few extra records with fields of wrong types; the real ones stay as they are"),
        (Redirect, "302 to redirect_to"),
        (BigBody, "100 MiB of JSON"),
        (GzipBomb, "1 MB of gzip that inflates to 1 GiB, whatever Accept-Encoding says"),
        (IdentityGap, "this share of /identities/ is missing, the same addresses as long as it is set; not drawn per call"),
    ];

    internal static bool IsKnown(string name) => All.Any(f => f.Name == name);
}

/// <summary>The fault of one call, or none; the salt decides what is random about it.</summary>
internal readonly record struct FaultDraw(string? Name, int Salt);

/// <summary>Draws at most one fault a call. Safe for any number of threads; in sequence the draws follow from the seed.</summary>
internal sealed class FaultDice(int seed)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);

    internal FaultDraw Draw(MockConfig config)
    {
        double point;
        int salt;
        lock (_gate)
        {
            point = _random.NextDouble();
            salt = _random.Next();
        }

        // One point on a line where each fault has a stretch as long as its rate: each gets its rate exactly while the
        // rates sum up to 1 at most; beyond that they share the line.
        var drawn = Fault.All.Where(f => f.Name != Fault.IdentityGap).Select(f => (Name: f.Name, Rate: config.Rate(f.Name)))
            .Prepend((Name: Fault.Http500, Rate: config.FailureRate)).ToArray();
        point *= Math.Max(1, drawn.Sum(f => f.Rate));
        foreach (var (name, rate) in drawn)
        {
            if (point < rate)
                return new FaultDraw(name, salt);
            point -= rate;
        }

        return new FaultDraw(null, salt);
    }
}
