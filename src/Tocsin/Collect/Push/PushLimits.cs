namespace Tocsin.Collect.Push;

/// <summary>What a push may hold. Everything over it is refused by name, never cut.</summary>
public static class PushLimits
{
    /// <summary>Bytes of a body, after inflating.</summary>
    public const int MaxBodyBytes = 10 << 20;

    /// <summary>Events of a request, good and bad.</summary>
    public const int MaxEvents = Journal.Append.MaxEntries;

    /// <summary>Bytes of one event as it was sent.</summary>
    public const int MaxEventBytes = 1 << 20;

    /// <summary>Objects and arrays within each other in one event, the event itself counted.</summary>
    public const int MaxDepth = 64;

    public const int MaxTypeCharacters = 200;

    public const int MaxExternalIdCharacters = 512;

    /// <summary>It becomes a key of the board and stands in addresses and cursors.</summary>
    public const int MaxUserIdCharacters = 512;

    /// <summary>Of source and of device.</summary>
    public const int MaxNameCharacters = 200;

    public const int MaxDescriptionCharacters = 10_000;

    public const int MaxIdempotencyKeyCharacters = 256;

    /// <summary>Mistakes of one event that are named; who made more finds the rest next time.</summary>
    public const int MaxErrorsPerEvent = 20;

    /// <summary>Characters of what was sent that an error repeats.</summary>
    internal const int MaxShownCharacters = 100;
}
