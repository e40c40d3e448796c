using System.Globalization;
using Tocsin.Collect;

namespace Tocsin.Server.Commands;

/// <summary>What a trial run found, for people.</summary>
internal static class SourceTestText
{
    private static readonly string[] HeadersShown = ["authorization", "content-type", "content-length", "retry-after", "link", "location", "www-authenticate"];

    public static void Write(SourceTestCall call, TextWriter to)
    {
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nGET {call.Request}: {(call.Error is null ? "ok" : "FAILED")}, {call.Took.TotalMilliseconds:F0} ms, {call.Bytes:N0} bytes, {call.Records:N0} records"));
        foreach (var exchange in call.Exchanges)
            Write(exchange, to);
        if (call.Error is not null)
            to.WriteLine($"  {Output.Plain(call.Error)}");
        foreach (var e in call.Events)
            to.WriteLine($"  {Line(e)}");
        if (call.People.Count > 0)
            to.WriteLine($"  people: {string.Join(", ", call.People.Select(rule => $"{rule.Value} {rule.Key}"))}");
        if (call.UnknownPriorities > 0)
            to.WriteLine($"  {call.UnknownPriorities} records with an unknown priority");
        if (call.Unmapped.Count > 0)
            to.WriteLine($"  not read by the map (kept in data): {Output.Plain(string.Join(", ", call.Unmapped))}");
        foreach (var reject in call.Rejects)
            to.WriteLine($"  kept aside, {reject.Count}: {Output.Plain(reject.Reason)}\n    {Output.Plain(reject.Example)}");
        if (call.NextCursor is not null)
            to.WriteLine($"  next cursor: {Output.Plain(call.NextCursor)}");
        if (call.NextRequest is not null)
            to.WriteLine($"  {(call.HasMore ? "next page" : "next poll")}: GET {Output.Plain(call.NextRequest)}");
    }

    private static void Write(Exchange exchange, TextWriter to)
    {
        to.WriteLine($"  > {Output.Plain(exchange.Request)}");
        foreach (var header in exchange.RequestHeaders.Where(IsShown))
            to.WriteLine($"  >   {Output.Plain(header.Name)}: {Output.Plain(header.Value)}");
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  < {(exchange.Status is { } status ? status.ToString(CultureInfo.InvariantCulture) : "no answer")}, {exchange.Took.TotalMilliseconds:F0} ms"));
        foreach (var header in exchange.ResponseHeaders.Where(IsShown))
            to.WriteLine($"  <   {Output.Plain(header.Name)}: {Output.Plain(header.Value)}");
    }

    private static bool IsShown(ExchangeHeader header) => HeadersShown.Contains(header.Name, StringComparer.OrdinalIgnoreCase);

    private static string Line(SecurityEvent e)
    {
        var person = $"user {Output.Plain(e.UserId ?? "unknown")} ({e.Attribution.RuleName ?? "nobody named"})";
        string[] more =
        [
            .. Named("device", e.Device), .. Named("src_ip", e.SrcIp), .. Named("dst_ip", e.DstIp), .. Named("country", e.Country), .. Named("id", e.ExternalId),
        ];
        return $"{e.Time}  {Output.Plain(e.Type)}  {e.Priority.Name() ?? "no priority"}  {person}  {string.Join("  ", more)}".TrimEnd();
    }

    private static string[] Named(string name, string? value) => value is null ? [] : [$"{name} {Output.Plain(value)}"];
}
