namespace Tocsin;

/// <summary>
/// A record as it came: UTF-8 JSON whose bytes nobody touches, so that numbers keep their digits and names their order.
/// Empty when an event carries no data. The memory is owned by the record: do not change it.
/// </summary>
public readonly record struct RawRecord(ReadOnlyMemory<byte> Utf8)
{
    /// <summary>No data.</summary>
    public static RawRecord None => default;

    /// <summary>True when there is no data at all (not even null).</summary>
    public bool IsEmpty => Utf8.IsEmpty;

    /// <summary>The JSON text.</summary>
    public override string ToString() => System.Text.Encoding.UTF8.GetString(Utf8.Span);
}
