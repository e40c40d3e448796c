using Tocsin.Access;
using Tocsin.Server.Api;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Metrics;

/// <summary><c>GET /metrics</c>.</summary>
internal sealed class MetricsApi(MetricsRegistry registry)
{
    public void Map(IEndpointRouteBuilder routes, Scope scope) =>
        routes.MapGet("/metrics", () => Results.Bytes(registry.Scrape(), PrometheusText.ContentType)).Needs(scope)
            .Named("getMetrics", "Health", "Metrics in Prometheus' text format")
            .Gives(200, "The text exposition format, version 0.0.4", "text/plain", _ => Shapes.Text());
}
