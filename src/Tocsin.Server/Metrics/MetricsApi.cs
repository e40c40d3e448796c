using Tocsin.Access;
using Tocsin.Server.Api;

namespace Tocsin.Server.Metrics;

/// <summary><c>GET /metrics</c>.</summary>
internal sealed class MetricsApi(MetricsRegistry registry)
{
    public void Map(IEndpointRouteBuilder routes, Scope scope) =>
        routes.MapGet("/metrics", () => Results.Bytes(registry.Scrape(), PrometheusText.ContentType)).Needs(scope)
            .WithTags("Health").WithSummary("Metrics in Prometheus' text format").Produces(200, contentType: "text/plain");
}
