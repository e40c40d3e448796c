using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>Bodies: their bounds, their encodings, and where they break off.</summary>
public sealed partial class UpstreamClientTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(bool declared)
    {
        foreach (var size in new[] { 1024, 1025 })
        {
            await using var stub = await StubUpstream.StartAsync(async context =>
            {
                if (declared)
                    context.Response.ContentLength = size;
                await context.Response.Body.WriteAsync(new byte[size]);
            });
            var result = await GetAsync(stub, "max_body: 1KiB");
            if (size == 1024)
                result.Body.ShouldNotBeNull().Length.ShouldBe(size);
            else
                result.Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TooLarge);
        }
    }

    [Fact]
    public async Task A_length_beyond_the_limit_is_refused_before_a_byte_of_it()
    {
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            context.Response.ContentLength = 100L << 30;
            await context.Response.Body.FlushAsync();
            await StubUpstream.HangAsync(context);
        });
        var failure = (await Until.DoneAsync(GetAsync(stub))).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.TooLarge, false));
        failure.Message.ShouldContain("max_body");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task The_limit_counts_inflated_bytes_so_a_bomb_does_not_go_off(string encoding)
    {
        var bomb = Compressed(encoding, new byte[64 << 20]);
        bomb.Length.ShouldBeLessThan(1 << 20);
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            // The other half never comes: who inflates it all before counting never answers.
            await BytesAsync(context, bomb[..(bomb.Length / 2)], encoding);
            await context.Response.Body.FlushAsync();
            await StubUpstream.HangAsync(context);
        });
        (await Until.DoneAsync(GetAsync(stub, "max_body: 1MiB"))).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.TooLarge);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_compressed_body_comes_out_as_it_went_in(string encoding)
    {
        await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, Compressed(encoding, "[1,2,3]"u8.ToArray()), encoding));
        Text(await GetAsync(stub)).ShouldBe("[1,2,3]");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_body_that_is_not_compressed_as_it_says_is_malformed(string encoding)
    {
        await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, [.. "[1,2,3] and no archive at all"u8], encoding));
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Malformed, true));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task An_archive_that_is_cut_is_never_taken_for_a_whole_answer(string encoding)
    {
        var text = Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Range(0, 20_000)) + "]");
        var whole = Compressed(encoding, text);
        foreach (var length in new[] { 1, 5, whole.Length / 2, whole.Length - 9, whole.Length - 4, whole.Length - 1 })
        {
            await using var stub = await StubUpstream.StartAsync(context => BytesAsync(context, whole[..length], encoding));
            var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull($"{encoding} {length}");
            (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Malformed, true));
            failure.Message.ShouldContain("truncated");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_breaks_off_is_a_transient_failure(bool declared)
    {
        await using var stub = await StubUpstream.StartAsync(async context =>
        {
            if (declared)
                context.Response.ContentLength = 100;
            await StubUpstream.JsonAsync(context, "[1,2");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        var failure = (await GetAsync(stub)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.IsTransient).ShouldBe((FetchFailureKind.Unreachable, true));
    }

    private static Task BytesAsync(HttpContext context, byte[] bytes, string encoding)
    {
        context.Response.Headers.ContentEncoding = encoding;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }

    private static byte[] Compressed(string encoding, byte[] bytes)
    {
        using var output = new MemoryStream();
        using (Stream compressor = encoding switch
        {
            "gzip" => new GZipStream(output, CompressionLevel.Optimal),
            "deflate" => new ZLibStream(output, CompressionLevel.Optimal),
            _ => new BrotliStream(output, CompressionLevel.Fastest),
        })
            compressor.Write(bytes);
        return output.ToArray();
    }
}
