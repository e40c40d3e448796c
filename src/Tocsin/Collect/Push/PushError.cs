using System.Text;

namespace Tocsin.Collect.Push;

/// <summary>A rule that an event breaks: where (an RFC 6901 pointer, in a batch below <c>/events/INDEX</c>), which, and what was expected.</summary>
public sealed record PushError(string Pointer, string Code, string Detail);

/// <summary>An event of a batch that is not taken; its neighbours are.</summary>
public sealed record PushReject(int Index, IReadOnlyList<PushError> Errors);

/// <summary>Why nothing of a request is taken.</summary>
public sealed record PushRefusal(PushRefusalKind Kind, string Code, string Detail, IReadOnlyList<PushError> Errors)
{
    /// <summary>Errors that one answer names; who made more finds the rest next time.</summary>
    private const int MaxErrors = 100;

    /// <summary>The refusal of a request of which every event is rejected.</summary>
    public static PushRefusal Of(PushBatch batch)
    {
        var errors = batch.Rejects.SelectMany(reject => reject.Errors).Take(MaxErrors).ToArray();
        var all = batch.Rejects.Sum(reject => reject.Errors.Count);
        var cut = all > errors.Length ? $" The first {errors.Length} of {all} mistakes are named." : "";
        if (batch.IsBatch)
            return new PushRefusal(PushRefusalKind.Invalid, "invalid_events", $"None of the {batch.Count} events can be taken.{cut}", errors);
        return Array.TrueForAll(errors, error => error.Code is PushErrors.ReservedSource or PushErrors.ReservedType)
            ? new PushRefusal(PushRefusalKind.Forbidden, errors[0].Code, $"The event cannot be taken: {errors[0].Detail}.", errors)
            : new PushRefusal(PushRefusalKind.Invalid, "invalid_event", "The event cannot be taken; errors say what was expected.", errors);
    }
}

/// <summary>What sort of refusal it is; each is one HTTP status.</summary>
public enum PushRefusalKind
{
    /// <summary>Not the JSON it should be.</summary>
    Malformed,

    /// <summary>Over a limit.</summary>
    TooLarge,

    /// <summary>Good JSON, no good event.</summary>
    Invalid,

    /// <summary>A name that only Tocsin or a configured source may use.</summary>
    Forbidden,
}

/// <summary>Text that cannot be taken as it stands, found while it is read: nothing behind it can be trusted.</summary>
internal sealed class DefectException(string code, string detail) : Exception(detail)
{
    public const string InvalidJson = "invalid_json";
    public const string InvalidUtf8 = "invalid_utf8";
    public const string DuplicateName = "duplicate_name";
    public const string LoneSurrogate = "lone_surrogate";
    public const string TooDeep = "too_deep";
    public const string TooLarge = "too_large";

    public string Code { get; } = code;

    public bool IsLimit => Code is TooDeep or TooLarge;

    public static DefectException Depth() => new(TooDeep, $"objects and arrays may stand {PushLimits.MaxDepth} deep in each other, this goes deeper");

    public static DefectException Name(ReadOnlySpan<byte> name) => new(DuplicateName, $"the name \"{Shown(name)}\" stands twice in one object");

    public static DefectException Surrogate() => new(LoneSurrogate, "a \\u escape is half of a surrogate pair: no Unicode character");

    /// <summary>Enough of a text to recognise it.</summary>
    public static string Shown(ReadOnlySpan<byte> utf8)
    {
        var text = Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, PushLimits.MaxShownCharacters * 4)]);
        return text.Length <= PushLimits.MaxShownCharacters && utf8.Length <= PushLimits.MaxShownCharacters * 4 ? text : text[..Math.Min(text.Length, PushLimits.MaxShownCharacters)] + "...";
    }
}
