using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Collect;
using Tocsin.Journal;

namespace Tocsin.Tests.Collect;

public sealed class RejectStoreTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = Some.Instant;
    private readonly TempFolder _folder = new();
    private EventJournal _journal = null!;

    public ValueTask InitializeAsync()
    {
        _journal = new EventJournal(new TestStore(_folder.Path), 100_000, NullLogger<EventJournal>.Instance);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_record_that_can_be_mapped_now_is_taken_out()
    {
        var rejects = new RejectStore("s");
        await KeepAsync(rejects, Now, Reject("{\"a\":1}"), Reject("{\"b\":1}"));
        var mended = Some.Event() with { Data = new RawRecord(Encoding.UTF8.GetBytes("{\"a\":1}")) };
        var writes = rejects.TakeOut("/r", [mended]);
        writes.ShouldHaveSingleItem().Value.ShouldBeNull();
        await _journal.AppendAsync(new Append { State = writes }, default);
        (await _journal.Store.ListStateAsync(RejectStore.StateName("s"), null, 10, default)).ShouldHaveSingleItem().Key.ShouldNotBe(writes[0].Key);
        rejects.TakeOut("/r", [mended, mended]).ShouldHaveSingleItem("the commit may have failed");
        rejects.Forget(writes);
        rejects.TakeOut("/r", [mended]).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_record_is_kept_once_however_often_it_is_polled_and_its_polls_are_counted()
    {
        var rejects = new RejectStore("s");
        await KeepAsync(rejects, Now, Reject("{}"), Reject("{}"), Reject("7"));
        await KeepAsync(rejects, Now.AddHours(1), Reject("{}"));
        await KeepAsync(rejects, Now.AddHours(2), Reject("{}", request: "/other"));

        var rows = await RowsAsync();
        rows.Count.ShouldBe(3);
        var twice = rows.Single(row => row.GetProperty("record").ValueKind == JsonValueKind.Object && row.GetProperty("request").GetString() == "/r");
        twice.GetProperty("count").GetInt64().ShouldBe(2);
        twice.GetProperty("time").GetDateTimeOffset().ShouldBe(Now);
        twice.GetProperty("reason").GetString().ShouldBe("why");
    }

    [Fact]
    public async Task Counts_go_on_after_a_restart()
    {
        await KeepAsync(new RejectStore("s"), Now, Reject("{}"));
        var again = new RejectStore("s");
        await again.LoadAsync(_journal.Store, default);
        await KeepAsync(again, Now.AddDays(1), Reject("{}"));
        var row = (await RowsAsync()).ShouldHaveSingleItem();
        row.GetProperty("count").GetInt64().ShouldBe(2);
        row.GetProperty("time").GetDateTimeOffset().ShouldBe(Now);
    }

    [Fact]
    public void Beyond_the_bound_a_new_one_is_refused_and_said_and_a_known_one_still_counts()
    {
        var rejects = new RejectStore("s");
        rejects.Keep([.. Enumerable.Range(0, RejectStore.MaxKept - 1).Select(i => Reject($"{i}"))], Now).Refused.Total.ShouldBe(0);
        var (writes, refused) = rejects.Keep([Reject("\"a\""), Reject("\"b\""), Reject("\"b\""), Reject("0")], Now);
        refused.ShouldBe(new RefusedRejects(ByNumber: 2, BySize: 0));
        refused.Why.ShouldBe("10,000 records are kept already");
        writes.Count.ShouldBe(2);
        rejects.Keep([Reject("\"a\"")], Now).Refused.Total.ShouldBe(0);
    }

    [Fact]
    public async Task Whatever_was_sent_can_be_kept_and_read_again()
    {
        byte[][] records =
        [
            [.. "{\"a\":\""u8, 0xFF, .. "\"}"u8], [.. "{\"a\":\"\\ud800\"}"u8], [.. "{\"a\":1,\"a\":2}"u8],
            Encoding.UTF8.GetBytes(new string('[', 63) + new string(']', 63)),
            Encoding.UTF8.GetBytes($"\"{new string('x', 70_000)}\""), Encoding.UTF8.GetBytes($"\"{new string('é', 70_000)}\""),
            [.. Enumerable.Repeat((byte)0xFF, 70_000)],
        ];
        await KeepAsync(new RejectStore("s"), Now, [.. records.Select(record => new RejectedRecord("/r", record, "why \u0001 \"so\""))]);
        var again = new RejectStore("s");
        await again.LoadAsync(_journal.Store, default);
        var rows = await RowsAsync();
        rows.Count.ShouldBe(records.Length);
        rows.ShouldAllBe(row => !RejectRow.IsCut(row));
    }

    [Fact]
    public async Task What_may_become_an_event_is_kept_whole_and_what_is_larger_is_cut_and_says_so()
    {
        var whole = $"\"{new string('x', RecordReader.MaxRecordBytes - 2)}\"";
        var larger = $"\"{new string('y', RecordReader.MaxRecordBytes - 1)}\"";
        byte[] noText = [.. "\""u8, .. Enumerable.Repeat((byte)0xFF, RecordReader.MaxRecordBytes - 2), .. "\""u8];
        await KeepAsync(new RejectStore("s"), Now, Reject(whole), Reject(larger), new RejectedRecord("/r", noText, "why"));
        var rows = await RowsAsync();
        rows.Single(row => row.GetProperty("record").GetRawText() == whole).TryGetProperty("truncated", out _).ShouldBeFalse();
        var cut = rows.Single(RejectRow.IsCut);
        cut.GetProperty("truncated").GetBoolean().ShouldBeTrue();
        cut.GetProperty("record").GetString().ShouldBe($"{larger[..(64 << 10)]}…");
        rows.ShouldAllBe(row => Encoding.UTF8.GetByteCount(row.GetRawText()) < (3 * RecordReader.MaxRecordBytes) + 1_000);
    }

    [Fact]
    public async Task Beyond_the_bound_of_their_bytes_a_new_one_is_refused_a_small_one_still_fits_and_what_is_mended_leaves_room()
    {
        static RejectedRecord Large(char of) => Reject($"\"{new string(of, 10_000)}\"");
        var rejects = new RejectStore("s", maxBytes: 25_000);
        await KeepAsync(rejects, Now, Large('a'), Large('b'));
        var (writes, refused) = rejects.Keep([Large('c'), Reject("7"), Large('a')], Now);
        (writes.Count, refused).ShouldBe((2, new RefusedRejects(ByNumber: 0, BySize: 1)));
        refused.Why.ShouldBe("625 MiB of them are kept already");
        await _journal.AppendAsync(new Append { State = writes }, default);

        var again = new RejectStore("s", maxBytes: 25_000);
        await again.LoadAsync(_journal.Store, default);
        again.Keep([Large('c')], Now).Refused.BySize.ShouldBe(1, "what is kept counts after a restart too");
        again.Forget(again.TakeOut("/r", [Some.Event() with { Data = new RawRecord(Large('b').Record) }]));
        again.Keep([Large('c')], Now).Refused.Total.ShouldBe(0);
        again.Keep([Large('d')], Now).Refused.BySize.ShouldBe(1);
    }

    [Fact]
    public async Task What_an_earlier_version_cut_stays_so_where_there_is_no_room_for_the_whole()
    {
        var reject = Reject($"\"{new string('x', 200_000)}\"");
        await KeepAsync(new RejectStore("s"), Now, reject);
        var row = (await _journal.Store.ListStateAsync(RejectStore.StateName("s"), null, 2, default)).ShouldHaveSingleItem();
        var before = Encoding.UTF8.GetBytes($$"""{"record":"{{reject.Record.Length}} bytes…","reason":"why","request":"/r","time":"2026-01-01T00:00:00.000Z","count":9}""");
        await _journal.AppendAsync(new Append { State = [new StateWrite(row.Name, row.Key, before)] }, default);
        foreach (var (room, isCut) in new[] { (100_000, true), (300_000, false) })
        {
            var rejects = new RejectStore("s", room);
            await rejects.LoadAsync(_journal.Store, default);
            await KeepAsync(rejects, Now, reject);
            RejectRow.IsCut((await RowsAsync()).ShouldHaveSingleItem()).ShouldBe(isCut);
        }
    }

    [Fact]
    public async Task Pages_are_bounded_in_rows_and_in_bytes_and_hold_every_row_once()
    {
        var rejects = new RejectStore("s");
        await KeepAsync(rejects, Now, [.. Enumerable.Range(0, 50).Select(i => Reject($"{i}"))]);
        await KeepAsync(rejects, Now, [.. Enumerable.Range(0, 9).Select(i => Reject($"\"{i}{new string('x', 1_000_000)}\""))]);
        foreach (var limit in new[] { 1, 7, 100 })
        {
            var keys = new List<string>();
            for (var page = new RejectPage([], true); page.HasMore; keys.AddRange(page.Rows.Select(row => row.Key)))
            {
                page = await RejectStore.PageAsync(_journal.Store, "s", keys.LastOrDefault(), limit, default);
                page.Rows.Count.ShouldBeInRange(1, limit);
                page.Rows.Sum(row => row.Value.Length).ShouldBeLessThan(4 << 20);
            }
            keys.Distinct(StringComparer.Ordinal).Count().ShouldBe(keys.Count);
            keys.Count.ShouldBe(59);
        }
    }

    private static RejectedRecord Reject(string record, string request = "/r") => new(request, Encoding.UTF8.GetBytes(record), "why");

    private async Task KeepAsync(RejectStore rejects, DateTimeOffset now, params RejectedRecord[] records) =>
        await _journal.AppendAsync(new Append { State = rejects.Keep(records, now).Writes }, default);

    private async Task<List<JsonElement>> RowsAsync() =>
        [.. (await _journal.Store.ListStateAsync(RejectStore.StateName("s"), null, 10_000, default)).Select(row => JsonElement.Parse(row.Value))];
}
