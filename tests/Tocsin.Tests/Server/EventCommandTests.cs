using System.Text;
using Tocsin.Server.Commands;

namespace Tocsin.Tests.Server;

/// <summary>What the commands ask for, and what they make of a service that refuses or breaks off.</summary>
public sealed class EventCommandTests
{
    [Fact]
    public void Options_become_the_filters_of_the_API()
    {
        var parsed = EventCommands.Create().Parse(["export", "--type", "auth.*", "--type", "a b&c", "--user", "é", "--since", "-24h", "--ip", "10.0.0.0/8", "--q", "x=y"]);
        parsed.Errors.ShouldBeEmpty();
        EventCommands.Query(parsed).ShouldBe("?type=auth.%2A&type=a%20b%26c&user_id=%C3%A9&ip=10.0.0.0%2F8&q=x%3Dy&since=-24h");
        EventCommands.Query(EventCommands.Create().Parse(["list"])).ShouldBe("");
        EventCommands.Query(EventCommands.Create().Parse(["list"]), 100).ShouldBe("?limit=100");
    }

    [Theory]
    [InlineData("list", "-o", "xml")]
    [InlineData("export", "-o", "table")]
    [InlineData("list", "--since", "-1h", "--since", "-2h")]
    [InlineData("list", "--limit", "many")]
    [InlineData("list", "--nonsense")]
    [InlineData("list", "--type")]
    public void A_command_that_cannot_be_meant_is_refused(params string[] arguments) => EventCommands.Create().Parse(arguments).Errors.ShouldNotBeEmpty();

    [Fact]
    public async Task What_the_service_refuses_is_a_usage_mistake_and_silence_is_another_code()
    {
        await using var host = await EventsHost.StartAsync();
        foreach (var command in new[] { "list", "export" })
        {
            (await RunAsync(command, "--country", "XXX", "--url", $"{host.Client.BaseAddress}")).ShouldBe(ExitCode.Usage);
            (await RunAsync(command, "--url", "http://127.0.0.1:1")).ShouldBe(ExitCode.Unreachable);
        }
        host.Store.RefuseRead = () => new Tocsin.Journal.JournalUnavailableException("gone");
        (await RunAsync("export", "--url", $"{host.Client.BaseAddress}")).ShouldBe(ExitCode.Failed);
    }

    [Theory]
    [InlineData(null, "4506|high", "user_id|priority")]
    [InlineData("user_id,name\n4506,Ann\n249,Bo\n", "4506|Ann|high", "user_id|name|priority")]
    public async Task A_table_has_names_where_people_are_known(string? people, string row, string header)
    {
        using var folder = new TempFolder();
        var path = people is null ? null : folder.File("people.csv");
        if (path is not null)
            File.WriteAllText(path, people);
        await using var server = await RunningServer.StartAsync(options => options with { People = path, AnonymousRead = true });
        var names = PeopleNames.None;
        (await ServiceClient.RunAsync(EventCommands.Create().Parse(["list", "--url", $"{server.Url}", "--data", folder.Path]), async client =>
        {
            // More than fit into one request.
            names = await PeopleNames.OfAsync(client, ["", .. Enumerable.Range(0, 250).Select(id => $"{id}"), "4506"]);
            return ExitCode.Ok;
        })).ShouldBe(ExitCode.Ok);

        string.Join('|', names.Cells(["4506", "high"], "user_id", "priority")).ShouldBe(row);
        string.Join('|', names.Columns("user_id", "priority")).ShouldBe(header);
        string.Join('|', names.Cells(["low", "249"], "priority", "user_id")).ShouldBe(people is null ? "low|249" : "low|249|Bo");
        string.Join('|', names.Cells(["low", "nobody"], "priority", "user_id")).ShouldBe(people is null ? "low|nobody" : "low|nobody|");
    }

    /// <summary>The library reads and writes 64 levels unless it is told otherwise; an answer holds a record some levels deep.</summary>
    [Fact]
    public async Task Records_that_are_deep_or_half_a_character_show_in_every_form()
    {
        static string Nested(int depth) => string.Concat(Enumerable.Repeat("[", depth)) + string.Concat(Enumerable.Repeat("]", depth));
        await using var server = await RunningServer.StartAsync(anonymousRead: true);
        (await server.PostAsync("/event", $$"""{"type":"x","n":{{Nested(63)}}}""")).StatusCode.ShouldBe(System.Net.HttpStatusCode.Created);
        await server.AppendAsync(Some.Event(data: $$"""{"a":1,"n":{{Nested(63)}}}"""), Some.Event(data: "{\"a\":\"\\ud800\",\n\"b\":2}", id: 2));
        var root = new System.CommandLine.Command("tocsin") { IncidentsCommand.Create(), EventCommands.Create() };
        foreach (var command in new[] { "events list", "events list --kind incident", "incidents", "incidents --user 4506" })
            foreach (var form in new[] { "table", "json", "ndjson", "csv" })
            {
                var parsed = root.Parse([.. command.Split(' '), "-o", form, "--url", $"{server.Url}", "--data", server.Folder]);
                var code = await parsed.InvokeAsync(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
                code.ShouldBe(ExitCode.Ok, $"{command} {form}");
            }
    }

    [Fact]
    public async Task An_export_is_copied_byte_for_byte()
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":\"é\"}\n", 20_000)));
        using var to = new MemoryStream();
        await ExportCopy.RunAsync(new MemoryStream(bytes), to, csv: false);
        to.ToArray().ShouldBe(bytes);
    }

    [Fact]
    public async Task An_export_that_breaks_off_fails_and_a_reader_that_has_enough_does_not()
    {
        using var to = new MemoryStream();
        var error = await Should.ThrowAsync<ServiceException>(() => ExportCopy.RunAsync(new Broken("{}\n"u8.ToArray()), to, csv: false));
        error.ExitCode.ShouldBe(ExitCode.Failed);
        to.ToArray().ShouldBe("{}\n"u8.ToArray());
        await ExportCopy.RunAsync(new MemoryStream(new byte[10]), new Broken([]), csv: true);
    }

    private static Task<int> RunAsync(params string[] arguments) => EventCommands.Create().Parse(arguments).InvokeAsync();

    /// <summary>Gives its bytes and breaks; takes none.</summary>
    private sealed class Broken(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw new IOException("reset");

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("closed");
    }
}
