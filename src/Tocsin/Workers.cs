namespace Tocsin;

/// <summary>Tasks that work until the process stops.</summary>
public static class Workers
{
    /// <summary>
    /// Ends when all have ended after <paramref name="stop"/>, and before that as soon as the first of them ends, as that one did: none may die unnoticed while the
    /// others go on.
    /// </summary>
    public static async Task RunAsync(IReadOnlyCollection<Task> workers, CancellationToken stop)
    {
        var first = await Task.WhenAny(workers);
        if (stop.IsCancellationRequested)
            await Task.WhenAll(workers);
        else
            await first;
    }
}
