namespace Tocsin.Server.Api;

/// <summary>The page at <c>/</c>, the API's description and the page to try it: static files under a strict content policy.</summary>
internal static class Pages
{
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    // Swagger UI sets styles from its script; no script is let in by that.
    private const string DocsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    private static readonly object HeadMark = new();

    /// <summary>Headers every answer carries.</summary>
    public static IApplicationBuilder UseSafeHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        WriteSafeHeaders(context.Response.Headers);
        if (context.Request.Path.StartsWithSegments("/docs", StringComparison.OrdinalIgnoreCase))
            context.Response.Headers.ContentSecurityPolicy = DocsPolicy;
        return next(context);
    });

    /// <summary>No guessing of types, nothing loaded from elsewhere, no address told to others.</summary>
    public static void WriteSafeHeaders(IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = Policy;
        headers["Referrer-Policy"] = "no-referrer";
    }

    /// <summary>HEAD is GET for whatever is behind this; Kestrel keeps the request's own method, and sends no body.</summary>
    public static IApplicationBuilder UseHead(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Items[HeadMark] = true;
            context.Request.Method = HttpMethods.Get;
        }
        return next(context);
    });

    /// <summary>True when HEAD was asked: for answers so long that making one for nobody is a waste.</summary>
    public static bool IsHead(HttpContext context) => context.Items.ContainsKey(HeadMark);

    public static void Map(WebApplication app)
    {
        app.UseDefaultFiles();
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" });
        app.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = "docs";
            ui.DocumentTitle = "Tocsin API";
            ui.SwaggerEndpoint("/openapi/v1.json", "Tocsin");
        });
    }
}
