using System.CommandLine;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin init</c>: files to begin with.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { DefaultValueFactory = _ => ".", Description = "Where to write" };
        var command = new Command("init", "Writes a commented configuration, an example source, and example identities, owners and people. Overwrites nothing.")
        {
            folder,
        }.WithExamples("""
            tocsin init
            tocsin init /etc/tocsin
            """);
        command.SetAction(parsed => Write(parsed.GetValue(folder)!));
        return command;
    }

    private static int Write(string folder)
    {
        (string Name, string Text)[] files =
        [
            (ServeCommand.DefaultConfig, Configuration),
            ("sources/elevate.yaml.example", DemoCommand.ReadyMade("elevate.yaml")),
            ("sources/alerts.yaml.example", DemoCommand.ReadyMade("alerts.yaml")),
            ("sources/github-audit.yaml.example", DemoCommand.ReadyMade("github-audit.yaml")),
            ("sources/okta-system-log.yaml.example", DemoCommand.ReadyMade("okta-system-log.yaml")),
            ("identities.csv", "ip,user_id\n# 10.1.2.3,4506\n"),
            ("owners.csv", OwnersExample),
            ("people.csv", PeopleExample),
        ];
        try
        {
            if (Array.Find(files, file => File.Exists(Path.Combine(folder, file.Name))) is { Name: { } there })
                return ExitCode.Fail($"{Path.Combine(folder, there)} is there already: nothing was written. Choose another folder, or move it away.");
            Directory.CreateDirectory(Path.Combine(folder, "sources"));
            foreach (var (name, text) in files)
                File.WriteAllText(Path.Combine(folder, name), text);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return ExitCode.Fail($"Cannot write to {folder}: {error.Message}");
        }
        Console.Error.WriteLine($"""
            Written to {Path.GetFullPath(folder)}: {string.Join(", ", files.Select(file => file.Name))}
            Next: fill in sources/elevate.yaml.example, name it sources/elevate.yaml, then
              tocsin source test {Path.Combine(folder, "sources", "elevate.yaml")}
              tocsin serve --config {Path.Combine(folder, ServeCommand.DefaultConfig)}
            """);
        return ExitCode.Ok;
    }

    private const string Configuration = """
        # Tocsin's configuration. Every key but `sources` has the default shown and can be left out; any can be overridden by the environment:
        # TOCSIN__SYNC__INTERVAL=5m. Secrets stand in the environment or in files: ${env:NAME}, ${file:PATH}. Paths are relative to this file.
        # Check it with: tocsin config check tocsin.yaml

        urls: http://127.0.0.1:9000        # where to listen; several with ;
        data: ./data                       # the store, and admin.token
        store: { engine: sqlite }          # or, for several nodes: { engine: postgres, connection: "${env:TOCSIN_POSTGRES}" }
        queue: { engine: memory, capacity: 100000 }   # events that may wait for their commit. Or { engine: rabbitmq, url: "${env:TOCSIN_RABBITMQ}", wait: 1s }
        sources: ./sources/*.yaml          # one file a source; left out: sources/*.yaml in the data folder
        sync: { interval: 30m }            # for sources without an `every` of their own
        board: { max: 1000000 }            # the newest incidents kept on the board
        retention: { max_age: forever }
        auth: { anonymous_read: false }    # true: reading needs no token

        # metrics: { urls: http://127.0.0.1:9101 }   # /metrics at an address of its own, open; left out: with the rest, for tokens with the scope
        # geoip: { database: ./geo.mmdb }  # an MMDB file with countries; the data that ships with Tocsin if left out
        # owners: ./owners.csv             # whose a network, address, host or device is, when no identity directory knows
        # people: ./people.csv             # names, emails, teams and managers of users
        # All three are read again within seconds when they change; a file with a mistake is refused (see /health) and the old one stays in use.

        """;

    private const string OwnersExample = """
        match,user_id,from,to
        # match: a network, an address, or the name of a host or device. from and to: a day, a time, or nothing.
        # 10.1.0.0/16,4506,,
        # 10.1.2.3,4507,2026-01-01,2026-07-01
        # pc-0815,4508,2026-01-31T12:00:00Z,

        """;

    private const string PeopleExample = """
        user_id,name,email,team,manager
        # 4506,"Doe, Ann",ann@example.com,SOC,4501

        """;
}
