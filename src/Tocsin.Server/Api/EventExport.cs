using System.Buffers;
using Tocsin.Journal;
using Tocsin.Projections;

namespace Tocsin.Server.Api;

/// <summary>
/// Everything a walk gives, as lines or rows, page by page and only as fast as the client takes it. When the store fails on the way the connection is
/// broken: a file that is short must not look whole. So is one whose client takes nothing any more: its place is another's. <paramref name="recordExport"/> is told of every export before its first byte.
/// </summary>
internal sealed partial class EventExport(EventJournal journal, Func<HttpContext, string, Task> recordExport, TimeProvider time, ILogger<EventExport> logger) : IDisposable
{
    /// <summary>Exports at once: each keeps a read connection busy.</summary>
    public const int MaxAtOnce = 4;

    /// <summary>Events of the first page: how large they are is not known yet.</summary>
    private const int FirstPage = 100;

    /// <summary>Bytes of events held at a time, as far as the ones before tell.</summary>
    private const long PageBytes = 8 << 20;

    /// <summary>How long a page is looked for; what is not found then is looked for from there.</summary>
    private static readonly TimeSpan PageDeadline = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _free = new(MaxAtOnce);

    public async Task RunAsync(HttpContext context, EventWalk walk, EventFormat format, string name)
    {
        if (!await _free.WaitAsync(0))
        {
            context.Response.Headers.RetryAfter = "5";
            await new Problem(StatusCodes.Status503ServiceUnavailable, "too_many_exports", $"{MaxAtOnce} exports are running, no more run at once; try again soon.").ExecuteAsync(context);
            return;
        }
        try
        {
            await StartAsync(context, walk, format, name);
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose() => _free.Dispose();

    private async Task StartAsync(HttpContext context, EventWalk walk, EventFormat format, string name)
    {
        var query = walk.Query with { Limit = Math.Min(FirstPage, walk.Query.Limit), Deadline = PageDeadline };
        // HEAD asks what the answer would be like, and nothing leaves the house.
        var first = Pages.IsHead(context) ? null : await journal.Store.QueryAsync(query, context.RequestAborted);
        if (first is not null)
            await recordExport(context, $"Export of {context.Request.Path}{context.Request.QueryString} as {format.MediaType()} up to sequence {query.Ceiling}");
        EventsApi.WriteHeaders(context.Response, walk);
        context.Response.ContentType = format == EventFormat.Csv ? "text/csv; charset=utf-8" : format.MediaType();
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}.{format.Extension()}\"";
        if (first is null)
            return;
        try
        {
            await StreamAsync(context, query, first, walk.Limit ?? long.MaxValue, format);
        }
        catch (Exception error) when (error is not OperationCanceledException || !context.RequestAborted.IsCancellationRequested)
        {
            Log.Broken(logger, error);
            context.Abort();
        }
    }

    private async Task StreamAsync(HttpContext context, EventQuery query, EventPage page, long left, EventFormat format)
    {
        var output = context.Response.BodyWriter;
        if (format == EventFormat.Csv)
            output.Write(CsvExport.Header);
        while (true)
        {
            var bytes = 0L;
            foreach (var (sequence, e) in page.Events)
            {
                Write(sequence, e, format, output);
                if (output.UnflushedBytes < AnswerFlush.Bytes)
                    continue;
                bytes += output.UnflushedBytes;
                await AnswerFlush.RunAsync(context, time);
            }
            bytes += output.UnflushedBytes;
            await AnswerFlush.RunAsync(context, time);
            left -= page.Events.Count;
            if (page.Next is not { } next || left <= 0)
                return;
            context.RequestAborted.ThrowIfCancellationRequested();
            query = query with { After = next, Limit = (int)Math.Min(left, NextPage(page.Events.Count, bytes)) };
            page = await journal.Store.QueryAsync(query, context.RequestAborted);
        }
    }

    private static void Write(long sequence, SecurityEvent e, EventFormat format, IBufferWriter<byte> output)
    {
        if (format == EventFormat.Csv)
        {
            CsvExport.Write(sequence, e, output);
            return;
        }
        EventJson.Write(sequence, e, output);
        output.Write("\n"u8);
    }

    private static long NextPage(int events, long bytes) => events == 0 ? FirstPage : Math.Clamp(PageBytes / Math.Max(1, bytes / events), 1, EventQuery.MaxLimit);

    private static partial class Log
    {
        [LoggerMessage(110, LogLevel.Warning, "An export broke off; its connection was cut so that it does not look whole")]
        public static partial void Broken(ILogger logger, Exception error);
    }
}
