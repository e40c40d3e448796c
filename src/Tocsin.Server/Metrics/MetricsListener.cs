using Microsoft.AspNetCore.Server.Kestrel.Core;
using Tocsin.Access;
using Tocsin.Server.Api;

namespace Tocsin.Server.Metrics;

/// <summary><c>/metrics</c> at addresses of its own (<c>metrics.urls</c>): nothing else is there, and whoever can reach it may read it.</summary>
internal static class MetricsListener
{
    public static WebApplication Create(IReadOnlyList<string> urls, MetricsRegistry registry, Callers callers, GuessThrottle guesses, ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().UseUrls([.. urls]).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton(logs).AddRoutingCore();
        var web = builder.Build();
        web.UseMiddleware<ErrorMiddleware>();
        web.UseSafeHeaders();
        web.UseHead();
        web.UseRouting();
        web.UseMiddleware<RouteRulesMiddleware>(callers, guesses);
        new MetricsApi(registry).Map(web, Scope.None);
        return web;
    }
}
