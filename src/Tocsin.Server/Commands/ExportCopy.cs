namespace Tocsin.Server.Commands;

/// <summary>Copies an export to stdout as it comes, a buffer at a time; counts events on stderr when that is a terminal.</summary>
internal static class ExportCopy
{
    /// <summary>Longer than the service looks for a page that may turn out empty.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private const int BufferBytes = 64 << 10;

    /// <summary>
    /// Throws <see cref="ServiceException"/> when the export breaks off. A reader of <paramref name="to"/> that has seen enough (<c>| head</c>) ends it
    /// quietly.
    /// </summary>
    public static async Task RunAsync(Stream from, Stream to, bool csv)
    {
        var buffer = new byte[BufferBytes];
        var count = new RowCount(csv);
        while (await ReadAsync(from, buffer) is > 0 and var read)
        {
            if (!Console.IsOutputRedirected)
                MakePlain(buffer.AsSpan(0, read));
            try
            {
                await to.WriteAsync(buffer.AsMemory(0, read));
            }
            catch (IOException)
            {
                return;
            }
            count.Add(buffer.AsSpan(0, read));
            if (!Console.IsErrorRedirected)
                await Console.Error.WriteAsync($"\r{count.Rows:N0} events");
        }
        if (!Console.IsErrorRedirected)
            await Console.Error.WriteLineAsync($"\r{count.Rows:N0} events");
    }

    /// <summary>Takes out what a terminal would obey: control characters but line breaks and tabs, and the C1 controls of UTF-8.</summary>
    private static void MakePlain(Span<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
            if (text[i] is 0x7F or (< 0x20 and not ((byte)'\n' or (byte)'\r' or (byte)'\t')))
                text[i] = (byte)' ';
            else if (i > 0 && text[i - 1] == 0xC2 && text[i] is >= 0x80 and < 0xA0)
                text[i] = 0xA0;
    }

    private static async Task<int> ReadAsync(Stream from, byte[] buffer)
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        try
        {
            return await from.ReadAsync(buffer, patience.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new ServiceException($"The service sent nothing for {Patience.TotalMinutes:N0} minutes; what came is not all.", ExitCode.Failed);
        }
        catch (IOException)
        {
            throw new ServiceException("The export broke off; what came is not all.", ExitCode.Failed);
        }
    }

    /// <summary>Line breaks outside quoted cells, without the header of CSV.</summary>
    private struct RowCount(bool csv)
    {
        private long _lines;
        private bool _quoted;

        public readonly long Rows => csv ? Math.Max(0, _lines - 1) : _lines;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            foreach (var value in bytes)
                if (csv && value == '"')
                    _quoted = !_quoted;
                else if (value == '\n' && !_quoted)
                    _lines++;
        }
    }
}
