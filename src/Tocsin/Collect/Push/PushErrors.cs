namespace Tocsin.Collect.Push;

/// <summary>Gathers what is wrong with one event; allocates only when something is.</summary>
internal sealed class PushErrors
{
    public const string ReservedSource = "reserved_source";
    public const string ReservedType = "reserved_type";
    private int? _index;
    private List<PushError>? _list;

    public bool Any => _list is not null;

    /// <summary>Begins a new event: of a batch when it has an index.</summary>
    public void Begin(int? index) => (_index, _list) = (index, null);

    /// <summary>What is wrong with the event at <see cref="Begin"/>.</summary>
    public IReadOnlyList<PushError> Take() => _list ?? [];

    /// <summary>Adds a mistake in a member of the event.</summary>
    public void AddAt(ReadOnlySpan<byte> name, string code, string detail)
    {
        var shown = DefectException.Shown(name).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
        Add($"{Pointer(_index)}/{shown}", code, detail);
    }

    /// <summary>Adds a mistake of the event as a whole.</summary>
    public void Add(string code, string detail) => Add(Pointer(_index), code, detail);

    /// <summary>Where an event stands: <c>/events/3</c> in a batch; one event is the whole document.</summary>
    public static string Pointer(int? index) => index is { } i ? $"/events/{i}" : "";

    private void Add(string pointer, string code, string detail)
    {
        _list ??= [];
        if (_list.Count < PushLimits.MaxErrorsPerEvent)
            _list.Add(new PushError(pointer, code, detail));
    }
}
