namespace Tocsin.Collect;

/// <summary>A source as its file describes it, checked: whatever stands here can be used as it is.</summary>
public sealed record SourceDefinition
{
    /// <summary>1 to 64 of a-z, 0-9, <c>_</c> and <c>-</c>, a letter first; never <c>tocsin</c>, which is the service itself.</summary>
    public required string Name { get; init; }

    public required EventKind Kind { get; init; }

    /// <summary>http or https, no user, query or fragment. Requests stand below its path.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>True when the source may connect to addresses that are not public: the file says so, or <see cref="BaseUrl"/> is http.</summary>
    public bool AllowPrivate { get; init; }

    /// <summary>False: the source is known, and is not polled. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Null: the upstream asks for nothing.</summary>
    public SourceAuth? Auth { get; init; }

    /// <summary>What came into the file by references and goes to <see cref="BaseUrl"/>, each value once; never shown.</summary>
    internal IReadOnlyCollection<string> OutsideValues { get; init; } = [];

    /// <summary>What came by references and goes to the token endpoint of OAuth 2.0.</summary>
    internal IReadOnlyCollection<string> TokenValues { get; init; } = [];

    /// <summary>Time between the starts of two polls, 100 ms to 24 h; null follows <c>sync.interval</c>.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>The longest a single call may take, headers and body, 10 ms to 5 min. Default 10 s: a slow call must end before the next poll is due.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    public RetryDefinition Retry { get; init; } = new();

    /// <summary>Null: each answer is all the upstream has, or its newest.</summary>
    public CursorDefinition? Cursor { get; init; }

    /// <summary>Null: an answer is whole.</summary>
    public PagingDefinition? Paging { get; init; }

    /// <summary>Null: the source knows no identities.</summary>
    public IdentitiesDefinition? Identities { get; init; }

    /// <summary>1 to 100 requests that are made on each poll.</summary>
    public required IReadOnlyList<RequestDefinition> Requests { get; init; }

    /// <summary>Where the array of records stands in an answer. Default: the answer itself.</summary>
    public FieldPath Records { get; init; } = FieldPath.Whole;

    /// <summary>The entries of <c>map</c> in the file's order, at least one.</summary>
    public required IReadOnlyList<MapDefinition> Maps { get; init; }

    /// <summary>The largest answer that is read, after inflating: 1 KiB to 256 MiB. Default 32 MiB: a hundred times the largest answer recorded.</summary>
    public long MaxBodyBytes { get; init; } = 32L << 20;

    /// <summary>The file it was read from.</summary>
    public required string File { get; init; }
}

/// <summary>One request of a source.</summary>
public sealed record RequestDefinition
{
    /// <summary>Path, with a query where one is wanted, below the source's base URL; begins with <c>/</c>. It may hold a secret.</summary>
    public required string Get { get; init; }

    /// <summary>Fields of the events, for records that do not say themselves: by name of the field in <c>map</c>.</summary>
    public required IReadOnlyDictionary<string, string> Set { get; init; }

    /// <summary>
    /// The request's name within its source: <c>get</c> as written in the file, so without secrets; the second and later ones
    /// with the same <c>get</c> add their <c>set</c>. State is kept under it, so it stays when requests are added below.
    /// </summary>
    public required string Id { get; init; }

    public override string ToString() => Id;
}

/// <summary>What happens when a call fails.</summary>
/// <param name="Attempts">Calls in all, 1 to 20. Default 5.</param>
/// <param name="MinWait">Wait before the second call, 1 ms to 15 min; doubles from there. Default 1 s.</param>
/// <param name="MaxWait">The longest wait, MinWait to 15 min. Default 30 s.</param>
public sealed record RetryDefinition(int Attempts, TimeSpan MinWait, TimeSpan MaxWait)
{
    /// <summary>The defaults.</summary>
    public RetryDefinition() : this(5, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30)) { }
}

/// <summary>Where a source's directory of addresses comes from: exactly one of <see cref="Get"/> and <see cref="File"/>.</summary>
public sealed record IdentitiesDefinition
{
    /// <summary>Path below the base URL, begins with <c>/</c>.</summary>
    public string? Get { get; init; }

    /// <summary>Full path of a CSV file with the header <c>ip,user_id</c>, or of a JSON object address -> user.</summary>
    public string? File { get; init; }

    /// <summary>The form of the answer: <c>ip_to_user</c>, a JSON object address -> user.</summary>
    public string Shape { get; init; } = "ip_to_user";
}
