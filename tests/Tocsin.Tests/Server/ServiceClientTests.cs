using System.CommandLine;
using Microsoft.AspNetCore.Http;
using Tocsin.Server.Commands;
using Tocsin.Tests.Collect;

namespace Tocsin.Tests.Server;

/// <summary>The commands before what is no Tocsin, or is one behind a proxy: an exit code, and never an exception.</summary>
public sealed class ServiceClientTests
{
    private static readonly string[] Lines =
    [
        "health", "health -o json", "incidents", "incidents -o json", "incidents --user 1 -o csv", "source list", "source sync elevate", "token list", "token create --name x --scope read", "token revoke x",
        "events list", "events list -o json", "events list -o ndjson", "events export", "events export -o csv", "events tail", "events tail -o ndjson",
    ];

    [Theory]
    [InlineData("text/html", "<!DOCTYPE html><title>Sign in</title>")]
    [InlineData("application/json", "<!DOCTYPE html><title>Sign in</title>")]
    public async Task A_page_is_no_answer_of_any_command(string type, string body)
    {
        await using var stub = await AnswerAsync(200, type, body);
        foreach (var line in Lines.Except(type == "text/html" ? [] : ["events tail", "events tail -o ndjson"]))
            // The form of an export is in its type; what stands in it is copied as it comes.
            (await RunAsync(stub, line)).ShouldBe(ExitCode.Unreachable, line);
    }

    [Theory]
    [InlineData("[1,2]", "health,incidents,source list,token list,token create --name x --scope read,events list")]
    [InlineData("{\"status\":\"UP\"}", "health,source list,token list,token create --name x --scope read,events list")]
    [InlineData("{\"status\":200}", "health")]
    [InlineData("{\"a\":{\"b\":1}}", "health,incidents,incidents -o csv,source list")]
    [InlineData("", "health,incidents,source list,events list")]
    public async Task JSON_of_another_service_is_no_answer(string body, string lines)
    {
        await using var stub = await AnswerAsync(200, "application/json", body);
        foreach (var line in lines.Split(','))
            (await RunAsync(stub, line)).ShouldBe(ExitCode.Unreachable, line);
    }

    [Theory]
    [InlineData("application/problem+json", """{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"No node answered.","code":"no_node"}""")]
    [InlineData("application/problem+json", """{"detail":["no","text"]}""")]
    [InlineData("application/json", "[503]")]
    [InlineData("text/html", "<h1>503 Service Temporarily Unavailable</h1>")]
    [InlineData("text/plain", "")]
    public async Task A_503_that_is_no_health_is_refused_as_any_other(string type, string body)
    {
        await using var stub = await AnswerAsync(503, type, body);
        foreach (var line in Lines)
            (await RunAsync(stub, line)).ShouldBe(ExitCode.Failed, line);
    }

    [Theory]
    [InlineData(503, "unhealthy", ExitCode.Failed)]
    [InlineData(200, "degraded", ExitCode.Ok)]
    [InlineData(200, "healthy", ExitCode.Ok)]
    public async Task Health_is_told_with_either_status(int status, string word, int code)
    {
        await using var stub = await AnswerAsync(status, "application/json; charset=utf-8", $$"""{"status":"{{word}}"}""");
        foreach (var form in new[] { "table", "json" })
            (await RunAsync(stub, $"health -o {form}")).ShouldBe(code);
    }

    [Theory]
    [InlineData(" tocsin_abc\r\n", "tocsin_abc")]
    [InlineData("a b", "a b")]
    [InlineData("\n", "of-the-folder")]
    [InlineData("", "of-the-folder")]
    [InlineData(null, "of-the-folder")]
    public void A_token_is_taken_without_what_is_around_it(string? variable, string expected)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("admin.token"), "\tof-the-folder\r\n");
        ServiceClient.Token(variable, folder.Path).ShouldBe(expected);
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\r\nX-Evil: b")]
    [InlineData("tocsin_é")]
    [InlineData("a\0b")]
    public void What_no_header_can_carry_is_told_and_not_shown(string token)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("admin.token"), token);
        foreach (var (variable, place) in new[] { (token, "TOCSIN_TOKEN"), (null, folder.File("admin.token")) })
        {
            var error = Should.Throw<ServiceException>(() => ServiceClient.Token(variable, folder.Path));
            error.ExitCode.ShouldBe(ExitCode.NotAllowed);
            error.Message.ShouldStartWith($"What stands in {place} is no token");
            error.Message.ShouldNotContain(token);
        }
    }

    [Fact]
    public void A_token_file_that_cannot_be_read_is_told()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A file that nobody can read, not even root, is one of Linux's.");
        using var folder = new TempFolder();
        File.CreateSymbolicLink(folder.File("admin.token"), "/proc/self/mem");
        var error = Should.Throw<ServiceException>(() => ServiceClient.Token(null, folder.Path));
        error.ExitCode.ShouldBe(ExitCode.NotAllowed);
        error.Message.ShouldBe($"{folder.File("admin.token")} cannot be read: run this as the user that the service runs as, or set TOCSIN_TOKEN.");
    }

    private static Task<StubUpstream> AnswerAsync(int status, string type, string body) => StubUpstream.StartAsync(context =>
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, type);
        return context.Response.WriteAsync(body);
    });

    /// <summary>Throws what a person would see as a stack trace.</summary>
    private static Task<int> RunAsync(StubUpstream stub, string line)
    {
        var root = new Command("tocsin") { HealthCommand.Create(), IncidentsCommand.Create(), SourceCommands.Create(), TokenCommands.Create(), EventCommands.Create() };
        var parsed = root.Parse([.. line.Split(' '), "--url", stub.Url]);
        parsed.Errors.ShouldBeEmpty(line);
        return Until.DoneAsync(parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }));
    }
}
