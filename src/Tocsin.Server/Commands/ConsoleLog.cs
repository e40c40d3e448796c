using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Tocsin.Server.Commands;

/// <summary>
/// Log lines on stderr: time, level, message. Control characters are escaped: what an upstream or a caller sends must not forge lines or
/// drive a terminal.
/// </summary>
internal sealed class ConsoleLog(TimeProvider time) : ConsoleFormatter("tocsin")
{
    /// <summary>The server's word for a request whose broken body it cannot pass over: a sender's mistake, answered and cut off, and no error here.</summary>
    private const string BrokenBody = "RequestBodyDrainBodyReaderInvalidState";

    public static ILoggerFactory Create(LogLevel level) => LoggerFactory.Create(logging =>
    {
        logging.Services.AddSingleton(TimeProvider.System);
        logging.SetMinimumLevel(level).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Polly", LogLevel.Error);
        logging.AddConsole(console => (console.FormatterName, console.LogToStandardErrorThreshold) = ("tocsin", LogLevel.Trace));
        logging.AddConsoleFormatter<ConsoleLog, ConsoleFormatterOptions>();
    });

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (logEntry.EventId.Name == BrokenBody)
            return;
        textWriter.Write(EventTime.From(time.GetUtcNow(), 3).ToString());
        textWriter.Write(logEntry.LogLevel switch
        {
            LogLevel.Critical or LogLevel.Error => " ERROR ",
            LogLevel.Warning => " WARN  ",
            _ => " INFO  ",
        });
        WriteEscaped(textWriter, logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } error)
        {
            textWriter.Write(" | ");
            WriteEscaped(textWriter, error.ToString());
        }
        textWriter.Write('\n');
    }

    private static void WriteEscaped(TextWriter writer, string text)
    {
        foreach (var c in text)
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                writer.Write(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"));
            else
                writer.Write(c);
    }
}
