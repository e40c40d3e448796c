using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;
using Tocsin.Server.Api;

namespace Tocsin.Server.Commands;

/// <summary>Writes rows to stdout as a table, JSON, NDJSON or CSV. Colours and box lines only on a terminal.</summary>
internal static class Output
{
    public static Option<string> Format()
    {
        var option = new Option<string>("--output", "-o") { Description = "table, json, ndjson or csv", DefaultValueFactory = _ => "table", HelpName = "FORMAT" };
        option.AcceptOnlyFromAmong("table", "json", "ndjson", "csv");
        return option;
    }

    /// <summary>
    /// <paramref name="whole"/> is the answer as JSON shows it; <paramref name="rows"/> are its rows for the other forms, with a cell for each of
    /// <paramref name="columns"/>.
    /// </summary>
    public static void Write(string format, JsonElement whole, IEnumerable<(JsonElement Json, string[] Cells)> rows, params string[] columns)
    {
        switch (format)
        {
            case "json":
                Console.Out.WriteLine(DeepJson.Indented(whole));
                break;
            case "ndjson":
                foreach (var (json, _) in rows)
                    Console.Out.WriteLine(json.GetRawText());
                break;
            case "csv":
                Console.Out.WriteLine(string.Join(',', columns));
                foreach (var (_, cells) in rows)
                    Console.Out.WriteLine(string.Join(',', cells.Select(CsvCell)));
                break;
            default:
                WriteTable(rows, columns);
                break;
        }
    }

    /// <summary>
    /// Stdout for bytes. Where it is a pipe, writing fails when nobody reads any more; the console's own stream would go on into nothing.
    /// </summary>
    public static Stream Raw()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
            return Console.OpenStandardOutput();
        var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    /// <summary>A member of an answer as a cell; a dash where it is null.</summary>
    public static string Text(JsonElement answer, string name) => answer.GetProperty(name) is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : "-";

    /// <summary>Text from outside, safe for a terminal.</summary>
    public static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static void WriteTable(IEnumerable<(JsonElement Json, string[] Cells)> rows, string[] columns)
    {
        if (Console.IsOutputRedirected)
        {
            // For pipes: one row a line, tabs between cells, nothing cut.
            Console.Out.WriteLine(string.Join('\t', columns));
            foreach (var (_, cells) in rows)
                Console.Out.WriteLine(string.Join('\t', cells.Select(Plain)));
            return;
        }
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))).PadRight(2));
        foreach (var (_, cells) in rows)
            table.AddRow([.. cells.Select(cell => new Text(Plain(cell)))]);
        AnsiConsole.Write(table);
    }

    /// <summary>A cell as the API exports it.</summary>
    private static string CsvCell(string cell)
    {
        var utf8 = new ArrayBufferWriter<byte>(cell.Length + 2);
        CsvExport.Cell(Encoding.UTF8.GetBytes(cell), utf8);
        return Encoding.UTF8.GetString(utf8.WrittenSpan);
    }
}
