using System.Text;

namespace Tocsin.Enrich;

/// <summary>One row of a CSV file: the line on which it begins, from 1, and a cell for each column asked for; empty where the file has none.</summary>
internal sealed record CsvRow(int Line, string[] Cells);

/// <summary>
/// A CSV file (RFC 4180) with a header: quotes, line ends within them, columns in any order. Blank lines and lines that begin with # are passed over; blanks
/// around a cell that is not quoted do not count.
/// </summary>
internal static class CsvTable
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// The rows, in the order of <paramref name="columns"/>; the first <paramref name="required"/> of those must stand in the header. What is wrong goes
    /// into <paramref name="mistakes"/>.
    /// </summary>
    public static IReadOnlyList<CsvRow> Read(byte[] bytes, string[] columns, int required, int maxRows, List<FileMistake> mistakes)
    {
        string text;
        try
        {
            text = StrictUtf8.GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            mistakes.Add(new FileMistake(0, "the file is not UTF-8"));
            return [];
        }
        var records = Records(text, mistakes);
        if (mistakes.Count > 0 || records.Count == 0 || Header(records[0], columns, required, mistakes) is not { } places)
        {
            if (mistakes.Count == 0)
                mistakes.Add(new FileMistake(1, $"expected a first line with the columns {string.Join(',', columns)}"));
            return [];
        }
        if (records.Count - 1 > maxRows)
        {
            mistakes.Add(new FileMistake(0, $"the file has {records.Count - 1:N0} rows, at most {maxRows:N0} are read"));
            return [];
        }
        var rows = new List<CsvRow>(records.Count - 1);
        foreach (var (line, cells) in records.Skip(1))
            if (cells.Length == records[0].Cells.Length)
                rows.Add(new CsvRow(line, [.. places.Select(place => place < 0 ? "" : cells[place])]));
            else
                mistakes.Add(new FileMistake(line, $"has {cells.Length} cells, the header {records[0].Cells.Length}"));
        return rows;
    }

    private static int[]? Header(CsvRow header, string[] columns, int required, List<FileMistake> mistakes)
    {
        foreach (var name in header.Cells.Except(columns, StringComparer.OrdinalIgnoreCase))
            mistakes.Add(new FileMistake(header.Line, $"there is no column \"{name}\"; the columns are {string.Join(',', columns)}"));
        foreach (var twice in header.Cells.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(names => names.Count() > 1))
            mistakes.Add(new FileMistake(header.Line, $"the column {twice.Key} stands twice"));
        var places = Array.ConvertAll(columns, column => Array.FindIndex(header.Cells, name => name.Equals(column, StringComparison.OrdinalIgnoreCase)));
        for (var i = 0; i < required; i++)
            if (places[i] < 0)
                mistakes.Add(new FileMistake(header.Line, $"the column {columns[i]} is missing"));
        return mistakes.Count == 0 ? places : null;
    }

    private static List<CsvRow> Records(string text, List<FileMistake> mistakes)
    {
        var records = new List<CsvRow>();
        var cells = new List<string>();
        var (at, line) = (0, 1);
        while (at < text.Length)
        {
            var begins = line;
            var end = text.IndexOf('\n', at) is var found and >= 0 ? found : text.Length;
            var whole = text.AsSpan(at, end - at).Trim();
            if (whole.IsEmpty || whole[0] == '#')
            {
                (at, line) = (end + 1, line + 1);
                continue;
            }
            cells.Clear();
            while (Cell(text, ref at, ref line, cells, mistakes))
                continue;
            if (mistakes.Count > 0)
                break;
            records.Add(new CsvRow(begins, [.. cells]));
        }
        return records;
    }

    /// <summary>Reads a cell and what ends it; true when a comma does, and so another follows.</summary>
    private static bool Cell(string text, ref int at, ref int line, List<string> cells, List<FileMistake> mistakes)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
            at++;
        if (at < text.Length && text[at] == '"')
        {
            if (Quoted(text, ref at, ref line, mistakes) is not { } quoted)
                return false;
            cells.Add(quoted);
        }
        else
        {
            var end = text.AsSpan(at).IndexOfAny(',', '\n') is var found and >= 0 ? at + found : text.Length;
            var cell = text.AsSpan(at, end - at).Trim();
            if (cell.Contains('"'))
                mistakes.Add(new FileMistake(line, "a quote within a cell that does not begin with one; write \"a \"\"b\"\" c\""));
            cells.Add(cell.ToString());
            at = end;
        }
        if (at < text.Length && text[at] == ',')
        {
            at++;
            return true;
        }
        (at, line) = (at + 1, line + 1);
        return false;
    }

    private static string? Quoted(string text, ref int at, ref int line, List<FileMistake> mistakes)
    {
        var begins = line;
        var cell = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            line += text[at] == '\n' ? 1 : 0;
            if (text[at] != '"')
                cell.Append(text[at]);
            else if (at + 1 < text.Length && text[at + 1] == '"')
                cell.Append(text[at++]);
            else
            {
                at++;
                while (at < text.Length && text[at] is ' ' or '\t' or '\r')
                    at++;
                if (at == text.Length || text[at] is ',' or '\n')
                    return cell.ToString();
                mistakes.Add(new FileMistake(line, "something stands behind a closing quote; a quote within a cell is written twice"));
                return null;
            }
        }
        mistakes.Add(new FileMistake(begins, "a quote is never closed"));
        return null;
    }
}
