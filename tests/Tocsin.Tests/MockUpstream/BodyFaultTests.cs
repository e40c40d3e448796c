using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Tocsin.Tests.MockUpstream;

/// <summary>Faults of the bytes: each is sent whole, with its right length.</summary>
public sealed class BodyFaultTests
{
    public static TheoryData<string> Paths => ["/incidents/denial/", "/identities/", "/alerts", "/alerts/cursor", "/alerts?since=2100-01-01T00:00:00Z"];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Empty_body_no_content_and_html_are_answers_without_JSON(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"empty_body":1}""");
        using (var empty = await mock.GetAsync(path))
        {
            ((int)empty.StatusCode).ShouldBe(200);
            empty.Content.Headers.ContentLength.ShouldBe(0);
        }

        await mock.SetAsync("""{"empty_body":0,"no_content":1}""");
        using (var none = await mock.GetAsync(path))
            ((int)none.StatusCode).ShouldBe(204);
        await mock.SetAsync("""{"no_content":0,"html_200":1}""");
        using var html = await mock.GetAsync(path);
        ((int)html.StatusCode).ShouldBe(200);
        html.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Wrong_root_has_the_answer_inside_of_what_it_should_not_be(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        var right = await mock.JsonAsync(path);
        await mock.SetAsync("""{"wrong_root":1}""");
        var wrong = await mock.JsonAsync(path);
        wrong.ValueKind.ShouldBe(right.ValueKind == JsonValueKind.Array ? JsonValueKind.Object : JsonValueKind.Array);
        wrong.GetRawText().ShouldContain(right.GetRawText());
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Nan_is_right_but_for_numbers_that_JSON_does_not_have(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"nan":1}""");
        var text = await mock.TextAsync(path);
        Should.Throw<JsonException>(() => JsonDocument.Parse(text));
        JsonDocument.Parse(text.Replace("NaN", "0", StringComparison.Ordinal).Replace("-Infinity", "1", StringComparison.Ordinal).Replace("Infinity", "2", StringComparison.Ordinal)).Dispose();
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Bad_utf8_is_right_but_for_bytes_inside_of_texts(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        var right = await mock.TextAsync(path);
        await mock.SetAsync("""{"bad_utf8":1}""");
        var bytes = await BytesAsync(mock, path);
        Should.Throw<DecoderFallbackException>(() => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes));
        var lenient = Encoding.UTF8.GetString(bytes);
        JsonDocument.Parse(lenient).Dispose();
        lenient.Length.ShouldBeGreaterThan(right.Length);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Bom_stands_before_the_whole_answer(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        var right = await BytesAsync(mock, path);
        await mock.SetAsync("""{"bom":1}""");
        (await BytesAsync(mock, path)).ShouldBe([0xEF, 0xBB, 0xBF, .. right]);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Deep_json_is_deeper_than_any_reader_goes(string path)
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"deep_json":1}""");
        var text = await mock.TextAsync(path);
        text.Count(c => c == '[').ShouldBeGreaterThanOrEqualTo(200_000);
        text.Count(c => c == '[').ShouldBe(text.Count(c => c == ']'));
        Should.Throw<JsonException>(() => JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1_000 }));
    }

    [Fact]
    public async Task Bad_gzip_never_gives_the_whole_answer_without_an_error()
    {
        await using var mock = await RunningMock.StartAsync(o => o with { Alerts = 2_000 });
        var whole = await BytesAsync(mock, "/alerts");
        await mock.SetAsync("""{"bad_gzip":1}""");
        var kinds = new HashSet<string>();
        for (var call = 0; call < 30; call++)
        {
            using var response = await mock.GetAsync("/alerts");
            response.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
            kinds.Add(Unpack(await response.Content.ReadAsByteArrayAsync(), whole));
        }

        kinds.Order().ShouldBe(["cut", "no gzip", "wrong checksum"]);
    }

    /// <summary>What is wrong with the bytes.</summary>
    private static string Unpack(byte[] bytes, byte[] whole)
    {
        using var unpacked = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        var error = Should.Throw<InvalidDataException>(() => gzip.CopyTo(unpacked));
        if (!error.Message.Contains("truncated", StringComparison.Ordinal))
            return unpacked.Length == 0 ? "no gzip" : "wrong checksum";
        unpacked.Length.ShouldBeLessThan(whole.Length);
        return "cut";
    }

    [Fact]
    public async Task A_question_that_makes_no_sense_is_told_so_in_spite_of_the_fault()
    {
        await using var mock = await RunningMock.StartAsync();
        await mock.SetAsync("""{"nan":1}""");
        using var response = await mock.GetAsync("/alerts?page=0");
        ((int)response.StatusCode).ShouldBe(400);
    }

    private static Task<byte[]> BytesAsync(RunningMock mock, string path) => mock.Client.GetByteArrayAsync(path, TestContext.Current.CancellationToken);
}
