namespace Tocsin.Server;

/// <summary>
/// Lets the thread that learns of a request's bytes serve it, for the hot board only: two thread hops less are a third less CPU per answer
/// (docs/decisions/0008). Everything else leaves that thread first, because whatever blocks it blocks every connection it watches.
/// </summary>
internal static class SocketThreads
{
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Before the first socket: the runtime reads this once, and only from the environment. A value set from outside stands.</summary>
    public static void Configure()
    {
        if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
    }

    /// <summary>Whatever comes behind runs on the thread pool.</summary>
    public static IApplicationBuilder UseThreadPool(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        await Task.Yield();
        await next(context);
    });
}
