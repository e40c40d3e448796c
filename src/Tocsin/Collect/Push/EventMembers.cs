using System.Text.Json;

namespace Tocsin.Collect.Push;

/// <summary>Where in a text a field's name and value stand. A text's value includes its quotes.</summary>
internal readonly record struct Member(int NameStart, int NameEnd, int Start, int End, JsonTokenType Kind)
{
    /// <summary>The value's JSON.</summary>
    public ReadOnlySpan<byte> Value(ReadOnlySpan<byte> text) => text[Start..End];

    /// <summary>The name as it was sent, without its quotes.</summary>
    public ReadOnlySpan<byte> Name(ReadOnlySpan<byte> text) => text[(NameStart + 1)..(NameEnd - 1)];
}

/// <summary>
/// The members of one event where they stand in its text: the fields, under whatever name, and the others. A null counts as absent. Nothing is copied.
/// For one thread.
/// </summary>
internal sealed class EventMembers(PushErrors errors)
{
    private const int MaxKept = 1024;
    private readonly Member[] _fields = new Member[PushFields.Count];

    /// <summary>Members that are no field, in their order.</summary>
    public List<Member> Others { get; private set; } = [];

    /// <summary>Reads the object that begins at the token, to its end. Mistakes that are not of the JSON itself go to the errors.</summary>
    public void Read(ref StrictJson json, ContentHash content)
    {
        _fields.AsSpan().Clear();
        if (Others.Count > MaxKept)
            Others = [];
        Others.Clear();
        while (json.Read() && json.Token != JsonTokenType.EndObject)
        {
            var field = json.IsEscaped ? FindEscaped(ref json) : PushFields.Find(json.Value);
            var (nameStart, nameEnd) = (json.Start, json.Start + json.Value.Length + 2);
            json.Read();
            var (start, kind) = (json.Start, json.Token);
            json.Skip();
            var member = new Member(nameStart, nameEnd, start, json.End, kind);
            if (field == PushField.None)
                Others.Add(member);
            else if (kind != JsonTokenType.Null)
                Take(field, member, json.Text, content);
        }
    }

    /// <summary>False when the event does not have the field.</summary>
    public bool TryGet(PushField field, out Member member)
    {
        member = _fields[(int)field];
        return member.End > 0;
    }

    private void Take(PushField field, Member member, ReadOnlySpan<byte> text, ContentHash content)
    {
        if (!TryGet(field, out var earlier))
            _fields[(int)field] = member;
        else if (content.OfValue(earlier.Value(text)) != content.OfValue(member.Value(text)))
            errors.AddAt(member.Name(text), "conflicting_names",
                $"{DefectException.Shown(earlier.Name(text))} and {DefectException.Shown(member.Name(text))} are two names of one field: expected one of them, or the same value");
    }

    /// <summary>A name written with escapes is the name it reads as.</summary>
    private static PushField FindEscaped(ref StrictJson json)
    {
        const int LongestEscapedField = 12 * 6;
        if (json.Value.Length > LongestEscapedField)
            return PushField.None;
        Span<byte> name = stackalloc byte[LongestEscapedField];
        return PushFields.Find(name[..json.CopyText(name)]);
    }
}
