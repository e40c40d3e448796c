using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Tocsin.SystemTests;

/// <summary>The push door, with what applications send.</summary>
public sealed class PushTests(BareHouse house) : IClassFixture<BareHouse>
{
    /// <summary>Larger ones could not be an event.</summary>
    private const int MaxRecordBytes = 900_000;

    private static readonly string[] RecordFolders = ["cloudtrail", "suricata", "crowdsec", "github-webhooks", "ocsf", "windows", "alertmanager", "mozdef", "panther"];
    private static readonly string[] RecordFiles = [".json", ".ndjson", ".log", ".raw", ".ocsf"];
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private ServerProcess Server => house.Server;

    [Fact]
    public async Task The_two_lines_that_people_know_work()
    {
        const string Body = """{"event_type":"account_created","user_id":"1234","variant_data":{"response":"data_here"}}""";
        string posted, listed;
        if (Tool.Find("curl") is { } curl)
        {
            var url = Server.Home.Url;
            posted = (await Tool.RunAsync(curl, "-s", "-X", "POST", "-H", "Content-Type: application/json", "-H", $"Authorization: {ServerHome.Token}", "-d", Body, $"{url}/event")).Out;
            listed = (await Tool.RunAsync(curl, "-s", "-H", $"Authorization: {ServerHome.Token}", $"{url}/events?event_type=account_created")).Out;
        }
        else
        {
            using var http = ServerProcess.Client(Server.Home.Url, null);
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", ServerHome.Token);
            using var answer = await http.PostAsync("/event", new StringContent(Body, Encoding.UTF8, "application/json"));
            posted = await answer.Content.ReadAsStringAsync();
            listed = await http.GetStringAsync("/events?event_type=account_created");
        }
        var (made, events) = (JsonElement.Parse(posted), JsonElement.Parse(listed));
        made.GetProperty("status").GetString().ShouldBe("created", posted);
        events.GetArrayLength().ShouldBe(1, listed);
        events[0].GetProperty("id").GetString().ShouldBe(made.GetProperty("id").GetString());
        (events[0].GetProperty("type").GetString(), events[0].GetProperty("user_id").GetString()).ShouldBe(("account_created", "1234"));
        events[0].GetProperty("data").GetRawText().ShouldBe("""{"response":"data_here"}""");
    }

    [Fact]
    public async Task Lines_and_compressed_bodies_are_batches_and_a_bad_line_holds_back_nobody()
    {
        const string Body = """
            {"type":"lines","data":1.10}
            {"type":"lines","data":
            {"type":"lines","data":[1e400,12345678901234567890]}

            """;
        foreach (var gzip in new[] { false, true })
        {
            var result = await PushLinesAsync(Encoding.UTF8.GetBytes(Body), gzip);
            (result.GetProperty("created").GetInt32(), result.GetProperty("rejected").GetInt32()).ShouldBe((2, 1));
            result.GetProperty("results")[1].GetProperty("errors")[0].GetProperty("pointer").GetString()!.ShouldStartWith("/events/1");
        }
        (await Server.JsonAsync("/events?type=lines&order_by=sequence&order=asc")).EnumerateArray().Select(e => e.GetProperty("data").GetRawText())
            .ShouldBe(["1.10", "[1e400,12345678901234567890]", "1.10", "[1e400,12345678901234567890]"]);
    }

    /// <summary>What inflates is told to be strict by a setting beside the program: the one that is shipped.</summary>
    [Fact]
    public async Task A_compressed_body_that_was_cut_on_its_way_is_refused_whole()
    {
        using var packed = new MemoryStream();
        await using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            await zip.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"type\":\"cut.body\"}\n", 1_000))));
        using var content = new ByteArrayContent(packed.ToArray()[..^4]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        content.Headers.ContentEncoding.Add("gzip");
        using var answer = await Server.Http.PostAsync("/events", content);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await Server.JsonAsync("/events?type=cut.body")).GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Every_record_of_real_tools_comes_back_equal()
    {
        var corpora = Shared.CorporaOrSkip();
        var records = RecordFolders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(corpora, folder), "*", SearchOption.AllDirectories))
            .Where(file => RecordFiles.Contains(Path.GetExtension(file))).Order(StringComparer.Ordinal).SelectMany(Records).ToArray();
        records.Length.ShouldBeGreaterThan(5_000);
        await ComeBackAsync("record", records);
        Figures.Print($"{records.Length} records of {RecordFolders.Length} tools come back equal, numbers digit for digit; resident {Server.Process.ResidentBytes >> 20} MiB");
    }

    [Fact]
    public async Task Every_naughty_string_and_log_line_comes_back_equal()
    {
        var corpora = Shared.CorporaOrSkip();
        var naughty = JsonElement.Parse(await File.ReadAllBytesAsync(Path.Combine(corpora, "strings", "blns.json"))).EnumerateArray().Select(text => text.GetString()!).ToArray();
        var lines = Directory.EnumerateFiles(Path.Combine(corpora, "strings"), "*.txt", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(corpora, "logs"), "*.log", SearchOption.AllDirectories)).Order(StringComparer.Ordinal).SelectMany(Text).ToArray();
        lines.Length.ShouldBeGreaterThan(5_000);
        await ComeBackAsync("string", [.. naughty.Concat(lines).Select(text => JsonSerializer.SerializeToUtf8Bytes(text))]);
        // They are no less naughty as names, users and descriptions: taken as they are, or refused.
        foreach (var text in naughty)
        {
            var quoted = JsonSerializer.Serialize(text);
            var (status, body) = await Server.PostAsync("/event", $$"""{"type":{{quoted}},"user_id":{{quoted}},"description":{{quoted}},"external_id":{{quoted}},"data":[{{quoted}}]}""");
            if (status == HttpStatusCode.Created)
            {
                var e = await Server.JsonAsync($"/events/{body.GetProperty("id").GetString()}");
                (e.GetProperty("type").GetString(), e.GetProperty("description").GetString()).ShouldBe((text, text));
            }
            else
                status.ShouldBeOneOf(HttpStatusCode.UnprocessableEntity, HttpStatusCode.Conflict, HttpStatusCode.OK);
        }
        Figures.Print($"{naughty.Length} naughty strings and {lines.Length} lines come back equal");
    }

    [Fact]
    public async Task Json_is_taken_and_refused_as_the_test_suite_says()
    {
        var folder = Path.Combine(Shared.CorporaOrSkip(), "json", "test_parsing");
        var counts = new Dictionary<char, int>();
        foreach (var file in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            var (name, raw) = (Path.GetFileName(file), await File.ReadAllBytesAsync(file));
            counts[name[0]] = counts.GetValueOrDefault(name[0]) + 1;
            byte[] embedded = [.. "{\"type\":\"suite\",\"data\":"u8, .. raw, (byte)'}'];
            var (status, id) = await SendAsync(embedded);
            var (bare, _) = await SendAsync(raw);
            // Names that stand twice are JSON, and are refused all the same.
            var strict = name.Contains("duplicated_key", StringComparison.Ordinal);
            switch (name[0])
            {
                case 'y' when strict:
                    status.ShouldBe(400, name);
                    break;
                case 'y':
                    status.ShouldBe(201, name);
                    break;
                case 'n':
                    status.ShouldBeInRange(400, 499, name);
                    bare.ShouldBeInRange(400, 499, name);
                    break;
                default:
                    (status is 201 or (>= 400 and < 500)).ShouldBeTrue($"{name}: {status}");
                    break;
            }
            (bare is 201 or 200 or (>= 400 and < 500)).ShouldBeTrue($"{name} as the body: {bare}");
            if (id is not null)
                JsonText.Difference(JsonText.Parse(embedded).GetProperty("data"), (await Server.JsonAsync($"/events/{id}")).GetProperty("data")).ShouldBeNull(name);
        }
        counts['y'].ShouldBeGreaterThan(50);
        Figures.Print($"JSONTestSuite: {counts['y']} y_ taken and equal (duplicate names refused), {counts['n']} n_ refused, {counts['i']} i_ answered without a 5xx");
    }

    /// <summary>Pushes each as the data of an event, and reads all of them back.</summary>
    private async Task ComeBackAsync(string type, byte[][] data)
    {
        var (next, rejected) = (0, new HashSet<int>());
        while (next < data.Length)
        {
            using var body = new MemoryStream();
            var first = next;
            for (; next < data.Length && next - first < 1_000 && body.Length + data[next].Length < 6 << 20; next++)
            {
                body.Write(Encoding.UTF8.GetBytes($$"""{"type":"{{type}}","external_id":"{{type}}-{{next}}","data":"""));
                body.Write(data[next]);
                body.Write("}\n"u8);
            }
            var result = await PushLinesAsync(body.ToArray(), gzip: first % 2 == 0);
            foreach (var reject in result.GetProperty("results").EnumerateArray().Where(item => item.GetProperty("status").GetString() == "rejected"))
            {
                reject.GetProperty("errors")[0].GetProperty("code").GetString().ShouldBeOneOf(["duplicate_name", "lone_surrogate"], reject.ToString());
                rejected.Add(first + reject.GetProperty("index").GetInt32());
            }
        }
        var seen = new HashSet<int>();
        await foreach (var e in EventWalk.AllAsync(Server, $"type={type}&order_by=sequence"))
        {
            var n = int.Parse(e.GetProperty("external_id").GetString()!.Split('-')[1]);
            JsonText.Difference(JsonText.Parse(data[n]), e.GetProperty("data")).ShouldBeNull($"{type} {n}");
            seen.Add(n).ShouldBeTrue();
        }
        Enumerable.Range(0, data.Length).Where(n => !seen.Contains(n)).ShouldBe(rejected.Order());
        rejected.Count.ShouldBeLessThan(data.Length / 100);
    }

    private async Task<JsonElement> PushLinesAsync(byte[] lines, bool gzip)
    {
        using var packed = new MemoryStream();
        if (gzip)
            await using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                await zip.WriteAsync(lines);
        using var content = new ByteArrayContent(gzip ? packed.ToArray() : lines);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        if (gzip)
            content.Headers.ContentEncoding.Add("gzip");
        using var answer = await Server.Http.PostAsync("/events", content);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        return JsonElement.Parse(text);
    }

    private async Task<(int Status, string? Id)> SendAsync(byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await Server.Http.PostAsync("/events", content);
        var text = await answer.Content.ReadAsByteArrayAsync();
        return ((int)answer.StatusCode, answer.StatusCode == HttpStatusCode.Created ? JsonElement.Parse(text).GetProperty("id").GetString() : null);
    }

    /// <summary>What a file of real traffic holds: one value, an array of them, the same under <c>Records</c>, or one a line.</summary>
    private static IEnumerable<byte[]> Records(string file)
    {
        var bytes = File.ReadAllBytes(file);
        IEnumerable<byte[]> records;
        if (!JsonText.IsJson(bytes))
            records = Lines(bytes).Where(line => line is [(byte)'{' or (byte)'[', ..] && JsonText.IsJson(line));
        else
        {
            var value = JsonText.Parse(bytes);
            var many = value.ValueKind == JsonValueKind.Object && value.TryGetProperty("Records", out var inner) ? inner : value;
            records = many.ValueKind == JsonValueKind.Array ? many.EnumerateArray().Select(item => Encoding.UTF8.GetBytes(item.GetRawText())) : [bytes];
        }
        return records.Where(record => record.Length < MaxRecordBytes).Select(OnOneLine);
    }

    /// <summary>Line breaks stand between tokens only: within strings they are escaped.</summary>
    private static byte[] OnOneLine(byte[] json) => [.. json.Select(value => value is (byte)'\n' or (byte)'\r' ? (byte)' ' : value)];

    private static IEnumerable<string> Text(string file) => Lines(File.ReadAllBytes(file)).Select(line =>
    {
        try
        {
            return Strict.GetString(line);
        }
        catch (DecoderFallbackException)
        {
            return "";
        }
    }).Where(line => line.Length > 0);

    private static IEnumerable<byte[]> Lines(byte[] bytes)
    {
        for (var start = 0; start < bytes.Length;)
        {
            var length = bytes.AsSpan(start).IndexOf((byte)'\n') is >= 0 and var found ? found : bytes.Length - start;
            if (length > 0)
                yield return bytes[start..(start + length)];
            start += length + 1;
        }
    }
}
