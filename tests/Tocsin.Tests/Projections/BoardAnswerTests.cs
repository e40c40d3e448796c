using System.IO.Compression;
using Tocsin.Projections;
using static Tocsin.Tests.Projections.BoardTestKit;

namespace Tocsin.Tests.Projections;

public sealed class BoardAnswerTests
{
    [Fact]
    public void Boards_fed_the_same_journal_in_other_batches_give_the_same_bytes_and_tags()
    {
        var entries = new RandomJournal(31).Next(2500);
        BoardQuery[] queries = [Incidents, new() { Kinds = [EventKind.Alert] }, new() { Priorities = [Priority.Low, Priority.High] }, new() { UserIds = ["7"] }];
        var inOne = Board(400);
        inOne.Apply(entries);
        foreach (var size in (int[])[1, 7, 500])
        {
            var board = Board(400);
            foreach (var batch in entries.Chunk(size))
            {
                board.Apply(batch);
                if (size == 7)
                    board.Get(Incidents);
            }
            foreach (var query in queries)
            {
                board.Text(query).ShouldBe(inOne.Text(query));
                board.Get(query).ETag.ShouldBe(inOne.Get(query).ETag);
                board.ETagOf(query).ShouldBe(inOne.Get(query).ETag);
            }
            board.Employee("7")!.ETag.ShouldBe(inOne.Employee("7")!.ETag);
        }
        new IncidentBoard(Guid.NewGuid(), 400).Get(Incidents).ETag.ShouldNotBe(Board(400).Get(Incidents).ETag);
    }

    [Fact]
    public void An_unchanged_board_gives_the_same_object_and_its_sequence_moves_on()
    {
        var board = BoardOf(Some.Event());
        var answer = board.Get(Incidents);
        board.Apply([new Sequenced(2, Some.Event(priority: Priority.None)), new Sequenced(3, Some.Event(kind: EventKind.Alert))]);
        board.Get(new BoardQuery()).ShouldBeSameAs(answer);
        answer.Sequence.ShouldBe(3);
        answer.Body.Whole.ShouldBeSameAs(answer.Body.Whole);
        answer.Gzip.ShouldBeSameAs(answer.Gzip);
    }

    [Fact]
    public void A_change_gives_another_tag_and_leaves_the_answers_given_before_alone()
    {
        var board = BoardOf(Some.Event("1"), Some.Event("2"));
        var tags = new HashSet<string>(StringComparer.Ordinal);
        var first = board.Get(Incidents);
        var text = Text(first.Body);
        Entry[] changes = [Some.Event("3"), Some.Amendment(1, "4"), Some.Amendment(2, priority: Priority.Low), Some.Amendment(2, priority: Priority.None)];
        tags.Add(first.ETag);
        for (var i = 0; i < changes.Length; i++)
        {
            board.Apply([new Sequenced(3 + i, changes[i])]);
            tags.Add(board.Get(Incidents).ETag).ShouldBeTrue();
        }
        Text(first.Body).ShouldBe(text);
        first.ETag.ShouldMatch("^\"[0-9a-z-]+\"$");
    }

    [Fact]
    public void Different_queries_have_different_tags_and_the_order_of_values_does_not_matter()
    {
        var board = BoardOf(Some.Event());
        BoardQuery[] queries =
        [
            new(), new() { UserIds = ["1"] }, new() { UserIds = ["1", "2"] }, new() { Types = ["1"] }, new() { Sources = ["1"] }, new() { After = "1" }, new() { Limit = 1 },
            new() { PerPriority = 1 }, new() { Since = Some.Time("1") }, new() { Until = Some.Time("1") }, new() { Kinds = [EventKind.Alert] },
        ];
        queries.Select(board.ETagOf).Distinct().Count().ShouldBe(queries.Length);
        board.ETagOf(new BoardQuery { UserIds = ["2", "1"] }).ShouldBe(board.ETagOf(queries[2]));
    }

    [Fact]
    public void A_change_of_one_employee_leaves_the_tag_of_another_alone()
    {
        var board = BoardOf(Some.Event("1"), Some.Event("2"));
        var tag = board.Employee("1")!.ETag;
        board.Apply([new Sequenced(3, Some.Event("2"))]);
        board.Employee("1")!.ETag.ShouldBe(tag);
        board.Apply([new Sequenced(4, Some.Event("1"))]);
        board.Employee("1")!.ETag.ShouldNotBe(tag);
    }

    [Fact]
    public void Gzip_and_Brotli_decode_to_the_body_after_every_change()
    {
        var random = new Random(41);
        var board = Board(20_000);
        long sequence = 0;
        board.Get(Incidents).Gzip.ShouldNotBeNull();
        for (var round = 0; round < 25; round++)
        {
            var count = round < 6 ? 4000 : 3;
            board.Apply([.. Enumerable.Range(0, count).Select(_ => new Sequenced(++sequence, sequence % 5 == 4
                ? Some.Amendment(random.Next(1, (int)sequence), $"{random.Next(800)}")
                : Some.Event(random.Next(3) == 0 ? null : $"{random.Next(1000)}", (Priority)random.Next(1, 5), id: sequence)))]);
            var answer = board.Get(Incidents);
            var body = Bytes(answer.Body);
            Decoded(new GZipStream(new MemoryStream(Bytes(answer.Gzip)), CompressionMode.Decompress)).ShouldEqual(body);
            if (round % 6 == 0)
                Decoded(new BrotliStream(new MemoryStream(Bytes(answer.Brotli!)), CompressionMode.Decompress)).ShouldEqual(body);
        }
        board.Employee("unknown")!.Body.Length.ShouldBeGreaterThan(Block.MaxBytes);
        board.Get(Incidents).Gzip.Length.ShouldBeLessThan(board.Get(Incidents).Body.Length / 3);
    }

    [Fact]
    public void The_gzip_stream_is_one_member_whose_trailer_holds_length_and_checksum()
    {
        var board = Board();
        board.Apply([.. Enumerable.Range(1, 9000).Select(i => new Sequenced(i, Some.Event($"{i}", id: i)))]);
        var answer = board.Get(Incidents);
        var ours = answer.Gzip.Whole!;
        using var plain = new MemoryStream();
        using (var gzip = new GZipStream(plain, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(answer.Body.Whole!);
        ours[..4].ShouldBe([0x1F, 0x8B, 8, 0]);
        ours[^8..].ShouldBe(plain.ToArray()[^8..]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Small_answers_compress_too(int events)
    {
        var board = BoardOf([.. Enumerable.Range(0, events).Select(_ => Some.Event())]);
        var answer = board.Get(Incidents);
        Decoded(new GZipStream(new MemoryStream(answer.Gzip.Whole!), CompressionMode.Decompress)).ShouldEqual(answer.Body.Whole!);
        var filtered = board.Get(new BoardQuery { Priorities = [Priority.High] });
        Decoded(new GZipStream(new MemoryStream(filtered.Gzip.Whole!), CompressionMode.Decompress)).ShouldEqual(filtered.Body.Whole!);
        Text(filtered.Body).ShouldBe(Text(answer.Body));
    }

    [Fact]
    public void A_body_over_32_MiB_is_served_in_fragments_and_without_Brotli()
    {
        var board = Board();
        var data = $"{{\"text\":\"{new string('z', 3900)}\"}}";
        board.Apply([.. Enumerable.Range(1, 9000).Select(i => new Sequenced(i, Some.Event($"{i % 50}", data: data, id: i)))]);
        foreach (var answer in (BoardAnswer[])[board.Get(Incidents), board.Get(new BoardQuery { Priorities = [Priority.High] })])
        {
            answer.Body.Length.ShouldBeGreaterThan(BoardBody.MaxWholeBytes);
            answer.Body.Whole.ShouldBeNull();
            answer.Brotli.ShouldBeNull();
            answer.Body.Fragments.Sum(f => (long)f.Length).ShouldBe(answer.Body.Length);
            using var decoded = new GZipStream(new MemoryStream(answer.Gzip.Whole!), CompressionMode.Decompress);
            Decoded(decoded).LongLength.ShouldBe(answer.Body.Length);
        }
    }

    [Fact]
    public void An_unchanged_board_is_asked_without_allocating()
    {
        var board = BoardOf(Some.Event());
        for (var i = 0; i < 10; i++)
            Ask(board);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Ask(board);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1000);
    }

    private static long Ask(IncidentBoard board)
    {
        var answer = board.Get(Incidents);
        return answer.Body.Whole!.Length + answer.Gzip.Whole!.Length + answer.Brotli!.Whole!.Length + answer.ETag.Length;
    }

    private static byte[] Decoded(Stream stream)
    {
        using var result = new MemoryStream();
        stream.CopyTo(result);
        return result.ToArray();
    }
}
