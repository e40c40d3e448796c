namespace Tocsin.Engines.Postgres;

/// <summary>The advisory locks of this engine. They hold within one database.</summary>
internal static class Locks
{
    /// <summary>"TOCS": the class of the locks there is one of.</summary>
    public const int Class = 0x544F4353;

    /// <summary>One node at a time makes or updates the schema.</summary>
    public const int Migrate = 1;

    /// <summary>One transaction at a time judges what must hold when it commits: versions of state, targets of amendments.</summary>
    public const int Judge = 2;

    /// <summary>One node at a time makes partitions.</summary>
    public const int Partitions = 3;

    /// <summary>"TOCB": the class of the locks that a transaction holds by its batch's number, for as long as it lives.</summary>
    public const int Batches = 0x544F4342;

    /// <summary>"TOCW": the class of the locks that a transaction holds, beside that of its batch, while it waits for those before it.</summary>
    public const int Waiters = 0x544F4357;

    /// <summary>The lock of a batch. Should two under way at once have the same, the second waits for the first, which needs nothing that it holds.</summary>
    public static int OfBatch(long number) => (int)(number & int.MaxValue);
}
