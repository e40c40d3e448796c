using Tocsin.Engines.Sqlite;
using Tocsin.Journal;
using Tocsin.Tests.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>
/// A writer, readers and the sealing of small partitions, all at once, with restarts between. Every entry is known beforehand, so that each answer can be
/// held to the oracle at the ceiling it was given with, whatever was written meanwhile.
/// </summary>
public sealed class SealingStressTests : IDisposable
{
    private const int Rows = 61;
    private const int Entries = 2_400;
    private const int Readers = 3;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(20261120)]
    public async Task Answers_are_the_oracles_whatever_is_written_sealed_and_reopened_meanwhile(int seed)
    {
        var corpus = new QueryCorpus(seed);
        var entries = Plan(corpus);
        var oracles = Enumerable.Range(0, Readers).Select(_ => OracleOf(entries)).ToArray();
        for (var (from, round) = (0, 0); from < entries.Count; round++)
        {
            await using var store = SqliteJournalStore.Open(_folder.Path, TimeProvider.System, new SqliteOptions { PartitionRows = Rows });
            store.Head.ShouldBe(from);
            var upTo = Math.Min(entries.Count, from + (Entries / 4));
            var (first, writerSeed) = (from, seed + round);
            var written = Task.Run(() => WriteAsync(store, entries, first, upTo, new Random(writerSeed)));
            var readers = oracles.Select((oracle, reader) => Task.Run(async () =>
            {
                var asked = new QueryCorpus(HashCode.Combine(seed, writerSeed, reader));
                for (var last = false; ; last = written.IsCompleted)
                {
                    await AskAsync(store, oracle, asked, $"seed {seed}, round {writerSeed - seed}, reader {reader}:");
                    if (last)
                        return;
                }
            })).ToArray();
            await Until.DoneAsync(written);
            await Until.DoneAsync(Task.WhenAll(readers));
            from = upTo;
        }
    }

    private static List<Entry> Plan(QueryCorpus corpus)
    {
        var (entries, targets) = (new List<Entry>(), new List<long>());
        while (entries.Count < Entries)
            if (targets.Count > 20 && corpus.Next(3) == 0)
                entries.Add(corpus.Amendment(targets[..^20]));
            else
            {
                entries.Add(corpus.Event(entries.Count));
                targets.Add(entries.Count);
            }
        return entries;
    }

    private static QueryOracle OracleOf(List<Entry> entries)
    {
        var oracle = new QueryOracle();
        oracle.Add(entries);
        return oracle;
    }

    private static async Task WriteAsync(SqliteJournalStore store, List<Entry> entries, int from, int upTo, Random random)
    {
        while (from < upTo)
        {
            var group = new List<Append>();
            for (var appends = random.Next(1, 4); appends > 0 && from < upTo; appends--)
            {
                // An amendment's target is of an earlier append: at most 20 events, the newest that the plan leaves out, go together.
                var count = Math.Min(upTo - from, random.Next(1, 20));
                group.Add(new Append { Entries = entries.GetRange(from, count) });
                from += count;
            }
            // Some are taken back once: nobody may see of them, and they come again.
            if (random.Next(10) == 0)
                await Should.ThrowAsync<Exception>(async () => await store.CommitAsync([.. group, new Append { Entries = [new Unknown()] }], default));
            (await store.CommitAsync(group, default)).ShouldAllBe(result => result.Status == AppendStatus.Committed);
            store.Head.ShouldBe(from);
        }
    }

    private static async Task AskAsync(SqliteJournalStore store, QueryOracle oracle, QueryCorpus corpus, string of)
    {
        var head = store.Head;
        if (head == 0)
            return;
        var ceiling = corpus.Next(3) == 0 ? 1 + corpus.Next((int)head) : head;
        var known = oracle.Events(ceiling);
        corpus.About(corpus.One(known).Event);
        var (_, narrow) = corpus.One(corpus.Filters([.. known.Select(e => e.Event)]));
        var query = new EventQuery
        {
            Filter = corpus.Next(4) == 0 ? new() : narrow(new()), Ascending = corpus.Next(2) == 0, BySequence = corpus.Next(3) == 0, Ceiling = ceiling,
            Limit = corpus.One([1, 50, 300, EventQuery.MaxLimit]),
        };
        of = $"{of} {QueryOracle.Describe(query)}";
        var expected = oracle.All(query);
        var seen = new List<StoredEvent>();
        // A few pages of the walk, from its start: what they hold begins what the oracle gives.
        for (var pages = 0; pages < 5; pages++)
        {
            var page = await store.QueryAsync(query, default);
            seen.AddRange(page.Events);
            if (page.Next is null)
            {
                seen.Count.ShouldBe(expected.Count, of);
                break;
            }
            query = query with { After = page.Next };
        }
        QueryOracle.Same(seen, [.. expected.Take(seen.Count)], of);

        var (sequence, e) = corpus.One(known);
        (await store.FindAsync(e.Id, default))!.Value.Sequence.ShouldBe(sequence, of);
        var stats = await store.CountAsync(new StatsQuery { By = (StatsField)corpus.Next(7), Filter = query.Filter }, default);
        stats.Total.ShouldBe(oracle.All(new EventQuery { Filter = query.Filter, Ceiling = stats.Sequence }).Count, of);
    }

    /// <summary>No engine can store it.</summary>
    private sealed record Unknown : Entry
    {
        public override long Bytes => 0;
    }
}
