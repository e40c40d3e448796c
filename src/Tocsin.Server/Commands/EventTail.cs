using System.Globalization;
using System.Net.Sockets;

namespace Tocsin.Server.Commands;

/// <summary>
/// Follows <c>/events/stream</c>, and when the connection is lost makes another that goes on behind what was seen last. The first connection must
/// succeed: a wrong address or token is told at once.
/// </summary>
internal sealed class EventTail(ServiceClient client, string query, TimeProvider time, TextWriter messages)
{
    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    /// <summary>Silence after which a connection is dead: three heartbeats.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);

    /// <summary>Null until the first connection stands, empty until a place is known.</summary>
    private string? _last;

    /// <summary>Hands each event on as JSON, and whether it is a change of an earlier one; ends when told to, or when nobody reads any more.</summary>
    public async Task RunAsync(Func<string, bool, Task> show, CancellationToken stop)
    {
        var wait = MinWait;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var response = await client.OpenAsync(Path(), "text/event-stream").WaitAsync(stop);
                using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
                _last ??= "";
                wait = MinWait;
                await ReadAsync(reader, show, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (_last is not null && IsPassing(error))
            {
                await messages.WriteLineAsync($"The connection was lost; again in {wait.TotalSeconds:0} s.");
            }
            catch (ShownException)
            {
                return;
            }
            await Task.Delay(wait, time, stop).ContinueWith(static _ => { }, TaskScheduler.Default);
            wait = wait * 2 < MaxWait ? wait * 2 : MaxWait;
        }
    }

    /// <summary>
    /// Reads messages as this service writes them: one line of data each. A place counts when its message is whole: the framework's parser takes the id of
    /// a half one too, and what it names would be missed.
    /// </summary>
    private async Task ReadAsync(StreamReader reader, Func<string, bool, Task> show, CancellationToken stop)
    {
        string? id = null, type = null, data = null;
        while (await reader.ReadLineAsync(stop).AsTask().WaitAsync(Silence, time, stop) is { } line)
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line["id: ".Length..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
                type = line["event: ".Length..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data = line["data: ".Length..];
            else if (line.Length == 0)
            {
                if (type == "too_slow")
                    await messages.WriteLineAsync("More came than could be shown; going on where it broke off.");
                else if (data is not null)
                    await ShowAsync(show, data, type == "amended");
                _last = id ?? _last;
                (id, type, data) = (null, null, null);
            }
    }

    private static async Task ShowAsync(Func<string, bool, Task> show, string json, bool isAmended)
    {
        try
        {
            await show(json, isAmended);
        }
        catch (IOException error)
        {
            throw new ShownException(error);
        }
    }

    private string Path() => string.IsNullOrEmpty(_last)
        ? "events/stream" + query
        : string.Create(CultureInfo.InvariantCulture, $"events/stream{query}{(query.Length == 0 ? '?' : '&')}last_event_id={_last}");

    /// <summary>Another try may go well, also where a proxy shows a page of its own meanwhile: not with a token that is no longer valid.</summary>
    private static bool IsPassing(Exception error) =>
        error is HttpRequestException or SocketException or IOException or TimeoutException or TaskCanceledException or ServiceException { ExitCode: ExitCode.Failed or ExitCode.Unreachable };

    /// <summary>Nobody reads what is shown.</summary>
    private sealed class ShownException(IOException inner) : Exception(inner.Message, inner);
}
