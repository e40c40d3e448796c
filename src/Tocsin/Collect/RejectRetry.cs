using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Maps again what was kept aside, at each start: a map changes only then, and an incremental source does not send it again.
/// </summary>
internal sealed partial class RejectRetry(SourceDefinition source, RecordReader reader, RejectStore rejects, EventJournal journal, ILogger logger)
{
    private const int RowsPerAppend = 500;

    public async Task RunAsync(CancellationToken cancellation)
    {
        var mended = 0;
        string? after = null;
        try
        {
            while (await journal.Store.ListStateAsync(RejectStore.StateName(source.Name), after, RowsPerAppend, cancellation) is { Count: > 0 } rows)
            {
                after = rows[^1].Key;
                var events = rows.Select(row => (row.Key, Event: Map(row))).Where(row => row.Event is not null).ToList();
                if (events.Count == 0)
                    continue;
                await journal.AppendAsync(new Append { Entries = [.. events.Select(row => row.Event!)], State = rejects.Drop(events.Select(row => row.Key)) }, cancellation);
                mended += events.Count;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            // They stay aside, and the next start tries again; polling must not wait for that.
            Log.NotTried(logger, source.Name, error.Message);
        }
        if (mended > 0)
            Log.Mended(logger, source.Name, mended);
    }

    private SecurityEvent? Map(StateRow row)
    {
        using var reject = JsonDocument.Parse(row.Value, new JsonDocumentOptions { MaxDepth = 1000 });
        var record = reject.RootElement.GetProperty("record");
        var request = source.Requests.FirstOrDefault(request => request.Id == reject.RootElement.GetProperty("request").GetString());
        return request is null ? null : reader.ReadAgain(JsonMarshal.GetRawUtf8Value(record).ToArray(), request);
    }

    private static partial class Log
    {
        [LoggerMessage(13, LogLevel.Information, "Source {Source}: {Count} records that were kept aside can be mapped now")]
        public static partial void Mended(ILogger logger, string source, int count);

        [LoggerMessage(14, LogLevel.Warning, "Source {Source}: what was kept aside could not be tried again: {Error}")]
        public static partial void NotTried(ILogger logger, string source, string error);
    }
}
