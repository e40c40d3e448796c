using System.Text.Json;

namespace Tocsin.Collect;

/// <summary>How far the records of an answer move the bookmark: to the newest that is not dated after now, or when opaque to the last.</summary>
internal sealed class ReachedPosition(CursorDefinition? cursor, DateTimeOffset now)
{
    private readonly EventTime _now = EventTime.From(now);
    private EventTime? _newest;
    private string? _last;

    public string? Position => _newest?.ToString() ?? _last;

    /// <summary>A record that is kept, and the time its map found.</summary>
    public void Take(JsonElement record, EventTime mapped)
    {
        if (cursor is null)
            return;
        if (cursor.IsTime)
            TakeTime(cursor.Field is null ? mapped : FieldMap.TimeAt(cursor.Field, record));
        else if (cursor.Field is { } field && FieldMap.TextAt(field, record) is { Length: > 0 and <= Pager.MaxMarkCharacters } text)
            _last = text;
    }

    /// <summary>The later of two bookmarks in time; of two others the second.</summary>
    public static string? Later(CursorDefinition? cursor, string? one, string? other)
    {
        if (one is null || other is null || cursor is not { IsTime: true })
            return other ?? one;
        return EventTime.TryParse(one, out var first) && EventTime.TryParse(other, out var second) && first > second ? one : other;
    }

    // A clock that goes wrong upstream must not make us pass over what comes at the right time.
    private void TakeTime(EventTime? time)
    {
        if (time is { } at && at <= _now && (_newest is not { } newest || at > newest))
            _newest = at;
    }
}
