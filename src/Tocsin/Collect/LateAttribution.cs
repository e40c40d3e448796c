using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Tocsin.Enrich;
using Tocsin.Journal;

namespace Tocsin.Collect;

/// <summary>
/// Gives events a person once their address is known: looks up what is unresolved and writes amendments. At start it goes through all that is
/// unresolved, so that nothing is missed across a restart.
/// </summary>
public sealed partial class LateAttribution(EventJournal journal, IdentityDirectory directory, TimeProvider time, ILogger<LateAttribution> logger)
{
    /// <summary>The name under which its amendments stand.</summary>
    public const string Rule = "late-identity";

    /// <summary>The name under which those stand that came from owners.</summary>
    public const string OwnerRule = "late-owner";

    /// <summary>Waits among the addresses for a look at everything that is unresolved.</summary>
    private const string Everything = "";

    private const int EventsPerAppend = 1_000;
    private const int AddressesPerPage = 1_000;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // Bounded by the directory: one entry an address, each at most once.
    private readonly Lock _gate = new();
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private readonly Channel<string> _learned = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Says that these addresses have a holder now. Never blocks.</summary>
    public void Learned(IEnumerable<string> addresses)
    {
        lock (_gate)
            foreach (var address in addresses)
                if (_waiting.Add(address))
                    _learned.Writer.TryWrite(address);
    }

    /// <summary>Says that others own networks now: all that is unresolved is looked up again. Never blocks.</summary>
    public void OwnersChanged() => Learned([Everything]);

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await RetryAsync(ScanAsync, cancellation);
        await foreach (var address in _learned.Reader.ReadAllAsync(cancellation))
        {
            lock (_gate)
                _waiting.Remove(address);
            await RetryAsync(token => address == Everything ? ScanAsync(token) : AttributeAsync([address], token), cancellation);
        }
    }

    private async Task ScanAsync(CancellationToken cancellation)
    {
        string? after = null;
        while (await journal.Store.ListUnresolvedAddressesAsync(after, AddressesPerPage, cancellation) is { Count: > 0 } page)
        {
            // Done here and now: a network may hold more addresses than should wait in memory.
            await AttributeAsync(page.Select(static unresolved => unresolved.Address).Where(directory.Knows), cancellation);
            after = page[^1].Address;
        }
    }

    /// <summary>Most addresses have an event or two: they share appends, each of fewer than twice <see cref="EventsPerAppend"/>.</summary>
    private async Task AttributeAsync(IEnumerable<string> addresses, CancellationToken cancellation)
    {
        var amendments = new List<Amendment>();
        try
        {
            foreach (var address in addresses)
            {
                long after = 0;
                while (await journal.Store.ListUnresolvedAsync(address, after, EventsPerAppend, cancellation) is { Count: > 0 } page)
                {
                    amendments.AddRange(page.Select(unresolved => Amend(unresolved, address)).OfType<Amendment>());
                    if (amendments.Count >= EventsPerAppend)
                    {
                        var full = amendments;
                        amendments = [];
                        await AppendAsync(full, address, cancellation);
                    }
                    after = page[^1].Sequence;
                }
            }
        }
        finally
        {
            // Also of the addresses before one that cannot be worked on.
            if (amendments is [.., { Only.Address: var last }])
                await AppendAsync(amendments, last, cancellation);
        }
    }

    private async Task AppendAsync(List<Amendment> amendments, string last, CancellationToken cancellation)
    {
        var result = await journal.AppendAsync(new Append { Entries = amendments }, cancellation);
        Log.Attributed(logger, result.Entries.Count(static entry => entry.Status == EntryStatus.Created), last);
    }

    private Amendment? Amend(UnresolvedEvent unresolved, string address) =>
        directory.ResolveAddress(unresolved.Source, address, unresolved.Time) is not { } found ? null : new Amendment
        {
            Target = unresolved.Sequence,
            // A newer version of the record may be committed first, and name another address or a person.
            Only = new UnresolvedAs(address, unresolved.Time),
            At = time.GetUtcNow(),
            By = found.Attribution.Rule == AttributionRule.Owner ? OwnerRule : Rule,
            UserId = found.UserId,
            Attribution = found.Attribution,
        };

    private async Task RetryAsync(Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await work(cancellation);
                return;
            }
            catch (JournalUnavailableException error)
            {
                Log.StoreAway(logger, error.Message);
                await Task.Delay(RetryAfter, time, cancellation);
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                // One address must not end the work for all others; the next start goes through all that is left.
                Log.Unexpected(logger, error);
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Information, "{Count} events, the last of them of {Address}, now have a person")]
        public static partial void Attributed(ILogger logger, int count, string address);

        [LoggerMessage(22, LogLevel.Error, "Late attribution met an error that nobody expected, and goes on with the next address")]
        public static partial void Unexpected(ILogger logger, Exception error);

        [LoggerMessage(21, LogLevel.Warning, "Late attribution waits for the store: {Error}")]
        public static partial void StoreAway(ILogger logger, string error);
    }
}
