namespace Tocsin.Tests;

/// <summary>Waits for what nothing signals, as it becomes true on another thread; a test that waits in vain fails by name.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(1);

    public static Task TrueAsync(Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), what);

    /// <summary>The same for what must be asked for.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(Patience, what);
            await Task.Delay(Look, TimeProvider.System);
        }
    }

    /// <summary>Gives the result of a task that must not hang.</summary>
    public static Task<T> DoneAsync<T>(Task<T> task) => task.WaitAsync(Patience, TimeProvider.System);

    public static Task DoneAsync(Task task) => task.WaitAsync(Patience, TimeProvider.System);
}
