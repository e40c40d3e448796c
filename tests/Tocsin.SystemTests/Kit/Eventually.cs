using System.Net.Sockets;

namespace Tocsin.SystemTests.Kit;

/// <summary>Waits for something to become true, and no longer than that.</summary>
internal static class Eventually
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks until there is something to see; fails with what was seen last.</summary>
    public static async Task<T> SeeAsync<T>(string what, TimeSpan deadline, Func<Task<T?>> look, Func<string>? otherwise = null)
        where T : class
    {
        var start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(LookEvery, TimeProvider.System);
        do
        {
            if (await look() is { } seen)
                return seen;
        }
        while (TimeProvider.System.GetElapsedTime(start) < deadline && await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken));
        throw new ShouldAssertException($"Within {deadline.TotalSeconds:0.#} s it never came to this: {what}.{(otherwise is null ? "" : $" Last: {otherwise()}")}");
    }

    /// <summary>Looks until it is so. What a look throws for a broken connection counts as "not yet".</summary>
    public static async Task BeAsync(string what, TimeSpan deadline, Func<Task<bool>> look, Func<string>? otherwise = null)
    {
        Exception? broken = null;
        await SeeAsync<object>(what, deadline, async () =>
        {
            try
            {
                return await look() ? what : null;
            }
            catch (Exception error) when (error is HttpRequestException or SocketException)
            {
                broken = error;
                return null;
            }
        }, () => $"{otherwise?.Invoke()} {broken?.Message}");
    }

    /// <summary>Does something over and over for a while: the time during which a fault lasts, or load is on.</summary>
    public static async Task DuringAsync(TimeSpan span, Func<Task> action)
    {
        var start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(LookEvery, TimeProvider.System);
        do
            await action();
        while (TimeProvider.System.GetElapsedTime(start) < span && await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken));
    }
}
