using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;

namespace Tocsin.Engines.Sqlite;

/// <summary>Brings a database to this version's schema: numbered .sql files, each in one transaction with its number.</summary>
internal static class Migrations
{
    /// <summary>"TOCS": says in the file's header whose database it is.</summary>
    private const int ApplicationId = 0x544F4353;

    private static readonly (int Number, string Resource)[] Files =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.Contains(".Sqlite.", StringComparison.Ordinal) && name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(name => (int.Parse(name.Split('.')[^2][..4], CultureInfo.InvariantCulture), name))
            .OrderBy(file => file.Item1)];

    /// <summary>The newest schema this version knows.</summary>
    public static int Latest => Files[^1].Number;

    /// <summary>Refuses, before anything is written, a file that is somebody else's or a newer version's.</summary>
    public static void Verify(SqliteConnection connection, string path)
    {
        var application = connection.Scalar("PRAGMA application_id");
        var version = connection.Scalar("PRAGMA user_version");
        if (application != ApplicationId && (application != 0 || version != 0 || connection.Scalar("SELECT count(*) FROM sqlite_master") != 0))
            throw new Journal.JournalOpenException($"{path} is a database of another program: choose another data folder with --data.");
        if (version > Latest)
            throw new Journal.JournalOpenException(
                $"{path} was written by a newer Tocsin (schema {version}, this version knows {Latest}): start that version, or choose another data folder with --data.");
    }

    public static void Apply(SqliteConnection connection)
    {
        var version = connection.Scalar("PRAGMA user_version");
        foreach (var (number, resource) in Files)
        {
            if (number <= version)
                continue;
            using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!;
            using var reader = new StreamReader(stream);
            connection.Execute("BEGIN IMMEDIATE");
            connection.Execute(reader.ReadToEnd());
            if (number == 1)
                FirstHead(connection);
            connection.Execute($"PRAGMA application_id={ApplicationId}; PRAGMA user_version={number}; COMMIT");
        }
    }

    private static void FirstHead(SqliteConnection connection)
    {
        var id = new byte[16];
        Guid.NewGuid().TryWriteBytes(id, bigEndian: true, out _);
        connection.Statement("INSERT INTO head VALUES (1, ?1, ?2, 0, 0)").Bind(1, id).Bind(2, RandomNumberGenerator.GetBytes(32)).Run();
        EventTable.Of(1).Create(connection);
        connection.Execute("INSERT INTO partition (number, first_sequence) VALUES (1, 1)");
    }
}
