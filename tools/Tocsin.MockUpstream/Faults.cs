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
    internal const string SlowBody = "slow_body";
    internal const string EmptyBody = "empty_body";
    internal const string NoContent = "no_content";
    internal const string Html200 = "html_200";
    internal const string WrongRoot = "wrong_root";
    internal const string MissingFields = "missing_fields";
    internal const string UnknownSeverity = "unknown_severity";
    internal const string SameTime = "same_time";
    internal const string LateRecords = "late_records";
    internal const string ClockAhead = "clock_ahead";
    internal const string ClockBehind = "clock_behind";
    internal const string Nan = "nan";
    internal const string BadUtf8 = "bad_utf8";
    internal const string Bom = "bom";
    internal const string DeepJson = "deep_json";
    internal const string Reset = "reset";
    internal const string WrongLength = "wrong_length";
    internal const string BadGzip = "bad_gzip";
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
        (SlowBody, "headers, then a byte a second; closes the connection after 60 s"),
        (EmptyBody, "200 without a byte"),
        (NoContent, "204"),
        (Html200, "200 with a page of HTML, as a sign-in page in the way does"),
        (WrongRoot, "an object around what should be an array, an array around what should be an object"),
        (MissingFields, "a few extra records: empty, without id, without time; the real ones stay as they are"),
        (UnknownSeverity, "alerts: two extra ones of a severity and a criticality that nobody knows (ids extra-...)"),
        (SameTime, "alerts: adds new real ones until one more than a page (21 without a limit, 1001 at most) share the newest time"),
        (LateRecords, "alerts: adds a new real one dated 2 minutes before the newest; since goes by its time, pages have it last"),
        (ClockAhead, "alerts: two extra ones of the year 9999 (ids extra-...)"),
        (ClockBehind, "alerts: two extra ones of the year 1970 (ids extra-...)"),
        (Nan, "a first record with NaN and Infinity, which are no JSON"),
        (BadUtf8, "two first records with bytes that are no UTF-8, in an id and in a text (id extra-std-utf8)"),
        (Bom, "a byte order mark before the JSON"),
        (DeepJson, "a first record of 200,000 arrays in each other"),
        (Reset, "the connection is reset (RST): before a byte is sent, or somewhere in the first half"),
        (WrongLength, "Content-Length is larger than the body, then the connection is closed"),
        (BadGzip, "gzip that is cut, has a wrong checksum, or is no gzip, whatever Accept-Encoding says"),
        (IdentityGap, "this share of /identities/ is missing, the same addresses as long as it is set; not drawn per call"),
    ];

    /// <summary>Those that are drawn for a call.</summary>
    internal static readonly ImmutableArray<string> Drawn = [.. All.Select(f => f.Name).Where(name => name != IdentityGap)];

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
        var sum = config.FailureRate + Fault.Drawn.Sum(config.Rate);
        if (sum == 0)
            return new FaultDraw(null, salt);
        point = point * Math.Max(1, sum) - config.FailureRate;
        if (point < 0)
            return new FaultDraw(Fault.Http500, salt);
        foreach (var name in Fault.Drawn)
        {
            var rate = config.Rate(name);
            if (point < rate)
                return new FaultDraw(name, salt);
            point -= rate;
        }

        return new FaultDraw(null, salt);
    }
}
