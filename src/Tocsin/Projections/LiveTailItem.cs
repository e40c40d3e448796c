using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tocsin.Projections;

/// <summary>
/// One entry of the journal as a follower gets it: an event as it was committed, or, for an amendment (a newer version of its record, too), the amended
/// event as it reads now; a filter is held to that, so who filters hears of a change that leads into the filter, and not of one that leads out. Its frame is made when the first follower wants it, and shared by all. Immutable for those who use it.
/// </summary>
public sealed class LiveTailItem(long sequence, SecurityEvent? shown, bool isAmendment)
{
    /// <summary>What a frame and the fields of an event take beside its record, about.</summary>
    private const int BytesBesideRecord = 1_024;

    private byte[]? _frame;

    /// <summary>Its place in the journal: the amendment's own, when it is one.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>The event; null when the one that was amended is no more.</summary>
    public SecurityEvent? Event { get; } = shown;

    /// <summary>True when this tells of a change to an event that was committed before.</summary>
    public bool IsAmendment { get; } = isAmendment;

    /// <summary>What it takes in memory, about: the record, and the frame that holds it once more.</summary>
    public long Bytes => BytesBesideRecord + (2L * (Event?.Data.Utf8.Length ?? 0));

    /// <summary>
    /// The event as a message of server-sent events (<c>id:</c>, <c>data:</c>, a blank line); an amendment is named <c>amended</c>. Empty when there is no
    /// event to show.
    /// </summary>
    public ReadOnlySpan<byte> Frame => Event is null ? [] : _frame ??= Make(Event);

    // Two followers may make it at once: both make the same.
    private byte[] Make(SecurityEvent e)
    {
        var frame = new ArrayBufferWriter<byte>(BytesBesideRecord + e.Data.Utf8.Length);
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {Sequence}\n"), frame);
        frame.Write(IsAmendment ? "event: amended\ndata: "u8 : "data: "u8);
        EventJson.Write(Sequence, e, frame);
        frame.Write("\n\n"u8);
        return frame.WrittenSpan.ToArray();
    }
}
