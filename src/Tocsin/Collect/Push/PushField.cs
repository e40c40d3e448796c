namespace Tocsin.Collect.Push;

/// <summary>The fields of a pushed event. The numbers go into fingerprints that are stored; never renumber.</summary>
internal enum PushField
{
    /// <summary>Not a field: it becomes data.</summary>
    None = 0,
    Type = 1,
    ExternalId = 2,
    Kind = 3,
    Source = 4,
    Device = 5,
    Priority = 6,
    Time = 7,
    UserId = 8,
    Description = 9,
    SrcIp = 10,
    DstIp = 11,
    Data = 12,
}

/// <summary>The names of <see cref="PushField"/>, with those that other programs are used to.</summary>
internal static class PushFields
{
    /// <summary>Fields and one more, for arrays by field.</summary>
    public const int Count = 13;

    /// <summary>Finds a field by a name as it stands in an object.</summary>
    public static PushField Find(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => name.SequenceEqual("id"u8) ? PushField.ExternalId : PushField.None,
        4 => name.SequenceEqual("type"u8) ? PushField.Type
            : name.SequenceEqual("data"u8) ? PushField.Data
            : name.SequenceEqual("time"u8) ? PushField.Time
            : name.SequenceEqual("user"u8) ? PushField.UserId
            : name.SequenceEqual("kind"u8) ? PushField.Kind : PushField.None,
        6 => name.SequenceEqual("source"u8) ? PushField.Source
            : name.SequenceEqual("device"u8) ? PushField.Device
            : name.SequenceEqual("src_ip"u8) ? PushField.SrcIp
            : name.SequenceEqual("dst_ip"u8) ? PushField.DstIp : PushField.None,
        7 => name.SequenceEqual("user_id"u8) ? PushField.UserId : PushField.None,
        8 => name.SequenceEqual("priority"u8) ? PushField.Priority
            : name.SequenceEqual("severity"u8) ? PushField.Priority : PushField.None,
        9 => name.SequenceEqual("timestamp"u8) ? PushField.Time : PushField.None,
        10 => name.SequenceEqual("event_type"u8) ? PushField.Type
            : name.SequenceEqual("created_at"u8) ? PushField.Time : PushField.None,
        11 => name.SequenceEqual("external_id"u8) ? PushField.ExternalId
            : name.SequenceEqual("description"u8) ? PushField.Description
            : name.SequenceEqual("criticality"u8) ? PushField.Priority
            : name.SequenceEqual("employee_id"u8) ? PushField.UserId : PushField.None,
        12 => name.SequenceEqual("variant_data"u8) ? PushField.Data : PushField.None,
        _ => PushField.None,
    };
}
