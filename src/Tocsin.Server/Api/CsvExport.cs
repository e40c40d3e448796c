using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Tocsin.Server.Api;

/// <summary>
/// Events as rows of CSV (RFC 4180, UTF-8): the fields of an event out, attribution in three columns, data as its JSON text, absent values empty. A cell
/// that a spreadsheet would run as a formula gets a quote in front.
/// </summary>
internal static class CsvExport
{
    private const int StackBytes = 512;
    private static readonly SearchValues<byte> NeedsQuotes = SearchValues.Create(",\"\r\n"u8);
    private static readonly SearchValues<byte> BeginsFormula = SearchValues.Create("=+-@\t\r"u8);

    /// <summary>The first row.</summary>
    public static ReadOnlySpan<byte> Header =>
        "id,external_id,sequence,kind,type,source,device,priority,time,received_at,user_id,description,src_ip,dst_ip,country,attribution_rule,attribution_source,attribution_address,data\r\n"u8;

    /// <summary>Appends the event's row.</summary>
    public static void Write(long sequence, SecurityEvent e, IBufferWriter<byte> output)
    {
        Span<byte> text = stackalloc byte[36];
        e.Id.Value.TryFormat(text, out var length);
        output.Write(text[..length]);
        Next(e.ExternalId, output);
        Utf8Formatter.TryFormat(sequence, text, out length);
        Next(text[..length], output);
        Next(e.Kind.Name(), output);
        Next(e.Type, output);
        Next(e.Source, output);
        Next(e.Device, output);
        Next(e.Priority.Name(), output);
        Next(text[..e.Time.Format(text)], output);
        Next(text[..EventTime.From(e.ReceivedAt, 3).Format(text)], output);
        Next(e.UserId, output);
        Next(e.Description, output);
        Next(e.SrcIp, output);
        Next(e.DstIp, output);
        Next(e.Country, output);
        Next(e.Attribution.RuleName, output);
        Next(e.Attribution.RuleName is null ? null : e.Attribution.Source, output);
        Next(e.Attribution.RuleName is null ? null : e.Attribution.Address, output);
        Next(e.Data.Utf8.Span, output);
        output.Write("\r\n"u8);
    }

    /// <summary>A comma and a cell.</summary>
    public static void Next(string? cell, IBufferWriter<byte> output)
    {
        var most = Encoding.UTF8.GetMaxByteCount(cell?.Length ?? 0);
        var rented = most > StackBytes ? ArrayPool<byte>.Shared.Rent(most) : null;
        var utf8 = rented ?? stackalloc byte[StackBytes];
        Next(utf8[..Encoding.UTF8.GetBytes(cell, utf8)], output);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
    }

    private static void Next(ReadOnlySpan<byte> cell, IBufferWriter<byte> output)
    {
        output.Write(","u8);
        Cell(cell, output);
    }

    /// <summary>A cell: quoted where needed, and text where a spreadsheet would run it.</summary>
    public static void Cell(ReadOnlySpan<byte> cell, IBufferWriter<byte> output)
    {
        var quoted = cell.ContainsAny(NeedsQuotes);
        if (quoted)
            output.Write("\""u8);
        if (!cell.IsEmpty && BeginsFormula.Contains(cell[0]))
            output.Write("'"u8);
        for (int quote; quoted && (quote = cell.IndexOf((byte)'"')) >= 0; cell = cell[(quote + 1)..])
        {
            output.Write(cell[..(quote + 1)]);
            output.Write("\""u8);
        }
        output.Write(cell);
        if (quoted)
            output.Write("\""u8);
    }
}
