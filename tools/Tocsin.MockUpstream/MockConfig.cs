using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tocsin.MockUpstream;

/// <summary>What <c>/config</c> reads and changes.</summary>
internal sealed record MockConfig
{
    internal const double MaxDripPerSecond = 10_000;
    internal static readonly TimeSpan MaxLatency = TimeSpan.FromSeconds(60);

    internal double FailureRate { get; init; }

    internal TimeSpan Latency { get; init; }

    internal double DripPerSecond { get; init; }

    /// <summary>Where the redirect fault points. Port 1 answers nobody, so following it shows.</summary>
    internal Uri RedirectTo { get; init; } = new("http://127.0.0.1:1/");

    private ImmutableDictionary<string, double> Rates { get; init; } = ImmutableDictionary<string, double>.Empty;

    internal double Rate(string fault) => Rates.GetValueOrDefault(fault);

    /// <summary>This with the changes of <paramref name="body"/>; where <paramref name="errors"/> got any, nothing may be applied.</summary>
    internal MockConfig With(JsonElement body, List<FieldError> errors)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            errors.Add(new FieldError("", "not_an_object", "the body must be a JSON object"));
            return this;
        }

        var config = this;
        foreach (var property in body.EnumerateObject())
            config = config.WithProperty(property, errors);
        return config;
    }

    internal JsonObject ToJson() => new()
    {
        ["failure_rate"] = FailureRate,
        ["latency_ms"] = Latency.TotalMilliseconds,
        ["drip_per_second"] = DripPerSecond,
        ["redirect_to"] = RedirectTo.AbsoluteUri,
        ["faults"] = new JsonObject(Fault.All.Select(f => KeyValuePair.Create(f.Name, (JsonNode?)Rate(f.Name)))),
    };

    private MockConfig WithProperty(JsonProperty property, List<FieldError> errors)
    {
        var (name, value) = (property.Name, property.Value);
        switch (name)
        {
            case "failure_rate":
                return this with { FailureRate = Number(value, $"/{name}", 1, errors) };
            case "latency_ms":
                return this with { Latency = TimeSpan.FromMilliseconds(Number(value, $"/{name}", MaxLatency.TotalMilliseconds, errors)) };
            case "drip_per_second":
                return this with { DripPerSecond = Number(value, $"/{name}", MaxDripPerSecond, errors) };
            case "redirect_to":
                if (value.ValueKind == JsonValueKind.String && TryReadUri(value.GetString()!, out var uri))
                    return this with { RedirectTo = uri };
                errors.Add(new FieldError("/redirect_to", "invalid", "redirect_to must be an absolute URI"));
                return this;
            case "faults" when value.ValueKind == JsonValueKind.Object:
                return value.EnumerateObject().Aggregate(this, (config, f) => config.WithRate(f, "/faults/", errors));
            case "faults":
                errors.Add(new FieldError("/faults", "not_an_object", "faults must be an object of names and rates"));
                return this;
            default:
                return WithRate(property, "/", errors);
        }
    }

    private MockConfig WithRate(JsonProperty fault, string parent, List<FieldError> errors)
    {
        if (Fault.IsKnown(fault.Name))
            return this with { Rates = Rates.SetItem(fault.Name, Number(fault.Value, parent + fault.Name, 1, errors)) };
        var allowed = string.Join(", ", Fault.All.Select(f => f.Name));
        if (parent == "/")
            allowed = "failure_rate, latency_ms, drip_per_second, redirect_to, faults, " + allowed;
        errors.Add(new FieldError(parent + fault.Name, "unknown", $"{fault.Name} is unknown; there are {allowed}"));
        return this;
    }

    /// <summary>ASCII only, as it becomes a header; with its scheme written out, as "/here" alone would be a file.</summary>
    private static bool TryReadUri(string text, [NotNullWhen(true)] out Uri? uri) =>
        Uri.TryCreate(text, UriKind.Absolute, out uri) && Ascii.IsValid(text)
        && text.StartsWith(uri.Scheme + ":", StringComparison.OrdinalIgnoreCase);

    private static double Number(JsonElement value, string pointer, double max, List<FieldError> errors)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= 0 && number <= max)
            return number;
        var detail = FormattableString.Invariant($"{pointer.Split('/')[^1]} must be a number from 0 to {max}");
        errors.Add(new FieldError(pointer, "out_of_range", detail));
        return 0;
    }
}

/// <summary>A field at fault, by JSON pointer.</summary>
internal sealed record FieldError(string Pointer, string Code, string Detail);
