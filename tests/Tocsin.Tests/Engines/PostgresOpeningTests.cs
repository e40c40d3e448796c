using Npgsql;
using Tocsin.Engines.Postgres;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>A database that cannot be used says in one sentence what is wrong and how it is mended, and stays as it is.</summary>
public sealed class PostgresOpeningTests
{
    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=u;Password=secret", "127.0.0.1:1 cannot be reached")]
    [InlineData("postgres://u:secret@127.0.0.1:1/d", "127.0.0.1:1 cannot be reached")]
    [InlineData("Host=127.0.0.1;Passwort=secret", "store.connection cannot be read")]
    [InlineData("secret", "store.connection cannot be read")]
    [InlineData("Password=secret", "names no server")]
    [InlineData("Host=127.0.0.1;Password=secret;Target Session Attributes=primary", "store.connection contradicts itself: ")]
    [InlineData("Host=127.0.0.1;Password=secret;SSL Negotiation=Direct;SSL Mode=Prefer", "store.connection contradicts itself: ")]
    [InlineData("Host=127.0.0.1;Port=1;Password=secret;Multiplexing=true", "127.0.0.1:1 cannot be reached")]
    public async Task A_server_that_is_not_there_and_a_connection_that_says_nothing(string connection, string expected) => await RefusedAsync(connection, expected);

    [Fact]
    public async Task A_wrong_password_a_role_and_a_database_that_do_not_exist()
    {
        var server = await PostgresCluster.SharedAsync();
        await RefusedAsync(server.Connection(password: "wrong"), "refuses the password of postgres");
        await RefusedAsync(server.Connection(user: "nobody_there", password: "x"), "nobody_there");
        await RefusedAsync(server.Connection("not_there"), "has no database not_there: make it with CREATE DATABASE not_there OWNER postgres");
    }

    [Theory]
    [InlineData("LATIN1")]
    [InlineData("SQL_ASCII")]
    public async Task A_database_in_another_encoding(string encoding)
    {
        var connection = await (await PostgresCluster.SharedAsync()).CreateDatabaseAsync($"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        await RefusedAsync(connection, $"has the encoding {encoding}, and Tocsin needs UTF8");
        (await TablesAsync(connection)).ShouldBe(0);
    }

    [Fact]
    public async Task A_role_that_may_not_make_a_schema_and_one_that_owns_only_the_schema()
    {
        var server = await PostgresCluster.SharedAsync();
        var owner = await server.CreateDatabaseAsync();
        var database = new NpgsqlConnectionStringBuilder(owner).Database!;
        await server.ExecuteAsync($"CREATE ROLE {database}_guest LOGIN PASSWORD 'guest'");
        var guest = server.Connection(database, $"{database}_guest", "guest");
        await RefusedAsync(guest, $"ALTER DATABASE {database} OWNER TO {database}_guest");
        await server.ExecuteAsync($"CREATE SCHEMA tocsin AUTHORIZATION {database}_guest", server.Connection(database));
        await using (var store = await OpenAsync(guest))
            (await store.CommitAsync([new Append { Entries = [Some.Event()] }], default))[0].Status.ShouldBe(AppendStatus.Committed);
        // And the schema of one is closed to the other.
        await RefusedAsync(owner, "may not do what Tocsin needs");
    }

    [Fact]
    public async Task A_schema_that_holds_something_else_and_one_of_a_newer_version_are_left_alone()
    {
        var server = await PostgresCluster.SharedAsync();
        var theirs = await server.CreateDatabaseAsync();
        await server.ExecuteAsync("CREATE SCHEMA tocsin; CREATE TABLE tocsin.theirs (a int)", theirs);
        await RefusedAsync(theirs, "holds tables that are not Tocsin's");
        (await TablesAsync(theirs)).ShouldBe(1);
        var newer = await server.CreateJournalAsync();
        await server.ExecuteAsync("COMMENT ON SCHEMA tocsin IS 'Tocsin journal, schema 999'", newer);
        await RefusedAsync(newer, "newer Tocsin (schema 999, this version knows 1)");
    }

    [Fact]
    public async Task A_database_that_takes_no_writes()
    {
        var server = await PostgresCluster.SharedAsync();
        var connection = await server.CreateDatabaseAsync();
        await server.ExecuteAsync($"ALTER DATABASE {new NpgsqlConnectionStringBuilder(connection).Database} SET default_transaction_read_only = on");
        await RefusedAsync(connection, "cannot open the journal now (cannot execute CREATE SCHEMA in a read-only transaction (25006))");
        (await TablesAsync(connection)).ShouldBe(0);
    }

    [Fact]
    public async Task A_standby()
    {
        await using var server = await PostgresCluster.StartAsync(isDurable: false);
        var connection = await server.CreateDatabaseAsync();
        await server.BecomeStandbyAsync();
        await RefusedAsync(connection, "The server is a standby");
    }

    [Fact]
    public void A_server_that_is_too_old()
    {
        Should.Throw<JournalOpenException>(() => PostgresOpening.RefuseOld(new Version(14, 12))).Message.ShouldContain("PostgreSQL 14.12, and Tocsin needs 15 or newer: update the server");
        Should.NotThrow(() => PostgresOpening.RefuseOld(new Version(15, 0)));
    }

    [Fact]
    public async Task Nodes_that_start_at_once_make_one_journal()
    {
        var connection = await (await PostgresCluster.SharedAsync()).CreateDatabaseAsync();
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync(connection)));
        nodes.Select(node => node.Info.Id).Distinct().Count().ShouldBe(1);
        nodes[0].Info.Engine.ShouldBe("postgres");
        nodes[0].Info.EngineVersion.ShouldStartWith("1");
        foreach (var node in nodes)
            await node.DisposeAsync();
    }

    [Theory]
    [InlineData("Host=a;Username=u", "Disable", null)]
    [InlineData("Host=a;GSS Encryption Mode=Require", "Require", null)]
    [InlineData("Host=a,b:5433", "Disable", "primary")]
    [InlineData("Host=a,b;Target Session Attributes=read-write", "Disable", "read-write")]
    public void A_connection_goes_to_the_primary_of_several_hosts_and_without_GSS_unless_it_says_so(string connection, string gss, string? target)
    {
        var bounded = PostgresDatabase.Bounded(PostgresDatabase.Parse(connection), TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(20));
        bounded.GssEncryptionMode.ToString().ShouldBe(gss);
        bounded.TargetSessionAttributes.ShouldBe(target);
        (bounded.CommandTimeout, bounded.TcpKeepAliveTime, bounded.TcpKeepAliveInterval).ShouldBe((20, 5, 1));
        bounded.Options.ShouldStartWith("-c statement_timeout=15000 ");
    }

    [Fact]
    public async Task Of_several_hosts_the_primary_is_taken()
    {
        var server = await PostgresCluster.SharedAsync();
        var database = new NpgsqlConnectionStringBuilder(await server.CreateDatabaseAsync());
        (database.Host, database.Port) = ($"127.0.0.1:1,127.0.0.1:{server.Port}", NpgsqlConnection.DefaultPort);
        await using var store = await OpenAsync(database.ConnectionString);
        (await store.CommitAsync([new Append { Entries = [Some.Event()] }], default))[0].Status.ShouldBe(AppendStatus.Committed);
    }

    private static Task<PostgresJournalStore> OpenAsync(string connection) => PostgresJournalStore.OpenAsync(connection, TimeProvider.System, null, default);

    private static async Task RefusedAsync(string connection, string expected)
    {
        var message = (await Should.ThrowAsync<JournalOpenException>(() => OpenAsync(connection))).Message;
        message.ShouldContain(expected);
        message.ShouldEndWith(".");
        message.ShouldNotContain("secret");
        message.ShouldNotContain(PostgresCluster.Password);
    }

    private static async Task<long> TablesAsync(string connection)
    {
        await using var open = new NpgsqlConnection(connection);
        await open.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tocsin'", open);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
