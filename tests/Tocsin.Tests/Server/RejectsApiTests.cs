using System.Text;
using System.Text.Json;
using Tocsin.Collect;
using Tocsin.Journal;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>What is kept aside of a source, over HTTP.</summary>
public sealed class RejectsApiTests
{
    [Fact]
    public async Task Large_records_come_whole_in_shorter_pages_and_one_that_is_cut_says_so()
    {
        var text = new string('x', RecordReader.MaxRecordBytes - 2);
        var records = Enumerable.Range(0, 9).Select(i => $"\"{i}{text[1..]}\"").Append($"\"{text}more\"");
        var (writes, _) = new RejectStore("example").Keep([.. records.Select(record => new RejectedRecord("/incidents/", Encoding.UTF8.GetBytes(record), "why"))], Some.Instant);
        await using var server = await RunningServer.StartAsync(journal: [new Append { State = writes }], sources: SomeSource.Valid(SomeSource.Yaml("enabled: false")));
        var (whole, cut, pages) = (0, 0, 0);
        for (var path = "/sources/example/rejects?limit=1000"; path is not null; pages++)
        {
            using var response = await server.GetAsync(path);
            var page = await response.Content.ReadAsByteArrayAsync();
            page.Length.ShouldBeLessThan(5 << 20);
            foreach (var reject in JsonElement.Parse(page).EnumerateArray())
                if (reject.TryGetProperty("truncated", out var truncated))
                    cut += truncated.GetBoolean() ? 1 : 0;
                else
                    whole += reject.GetProperty("record").GetString()!.EndsWith(text[1..], StringComparison.Ordinal) ? 1 : 0;
            path = response.Headers.TryGetValues("Link", out var link) ? link.Single().Split('>')[0][1..] : null;
        }
        (whole, cut).ShouldBe((9, 1));
        pages.ShouldBeInRange(3, 4);
    }
}
