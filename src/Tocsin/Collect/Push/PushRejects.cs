using System.Buffers;
using System.Text.Json;
using Tocsin.Journal;

namespace Tocsin.Collect.Push;

/// <summary>
/// Events that were found to be in conflict after their sender had been told that they are accepted: kept aside under the sender's name, where the rejects of
/// a source are.
/// </summary>
public sealed class PushRejects(EventJournal journal)
{
    private const string Why = "accepted with 202, and then found to be there already with other content";
    private readonly Dictionary<string, int> _kept = new(StringComparer.Ordinal);

    /// <summary>Keeps the events of a request whose result says so; gives their number, and how many of them there was no room for. One call at a time.</summary>
    public async Task<(int Conflicts, int Refused)> KeepAsync(Pushed pushed, AppendResult result, DateTimeOffset now, CancellationToken cancellation)
    {
        var name = RejectStore.StateName(pushed.Sender);
        var (writes, conflicts, refused) = (new Dictionary<string, StateWrite>(StringComparer.Ordinal), 0, 0);
        HashSet<string>? known = null;
        // What replaces a row takes no room, but is counted: so the number is trusted while it says that there is room, and else made anew.
        if (!_kept.TryGetValue(name, out var kept) || kept + pushed.Events.Count > RejectStore.MaxKept)
        {
            known = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var rows in RejectStore.RowsAsync(journal.Store, pushed.Sender, null, cancellation))
                known.UnionWith(rows.Select(row => row.Key));
            kept = known.Count;
        }
        for (var i = 0; i < pushed.Events.Count; i++)
        {
            if (result.Status != AppendStatus.OtherContent && result.Entries[i].Status != EntryStatus.Changed)
                continue;
            conflicts++;
            var e = (SecurityEvent)pushed.Events[i];
            // The same event sent again is the same reject.
            var key = $"{e.Id}-{e.Fingerprint:x16}";
            var isThere = writes.ContainsKey(key) || known?.Contains(key) == true;
            if (!isThere && kept >= RejectStore.MaxKept)
            {
                refused++;
                continue;
            }
            kept += isThere ? 0 : 1;
            writes[key] = new StateWrite(name, key, Row(e, now));
        }
        if (writes.Count > 0)
            await journal.AppendAsync(new Append { State = [.. writes.Values] }, cancellation);
        _kept[name] = kept;
        return (conflicts, refused);
    }

    private static byte[] Row(SecurityEvent e, DateTimeOffset now)
    {
        var record = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(record))
        {
            json.WriteStartObject();
            json.WriteString("id", e.Id.ToString());
            json.WriteString("external_id", e.ExternalId);
            json.WriteString("type", e.Type);
            json.WriteString("source", e.Source);
            json.WriteString("user_id", e.UserId);
            json.WriteString("time", e.Time.ToString());
            json.WritePropertyName("data");
            if (e.Data.IsEmpty)
                json.WriteNullValue();
            else
                json.WriteRawValue(e.Data.Utf8.Span, skipInputValidation: true);
            json.WriteEndObject();
        }
        // To be looked at only: nothing tries it again, and so its beginning will do.
        return RejectRow.Write(new RejectedRecord("push", record.WrittenSpan.ToArray(), Why), 1, now, RejectRow.CutBytes);
    }
}
