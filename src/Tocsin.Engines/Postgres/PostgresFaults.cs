using System.Net.Sockets;
using Npgsql;
using Tocsin.Journal;

namespace Tocsin.Engines.Postgres;

/// <summary>Tells what the server or the way to it cannot do just now from what is wrong with a statement.</summary>
internal static class PostgresFaults
{
    /// <summary>True when the same may work later: the connection, a full disk, a deadline, a standby, a lock.</summary>
    public static bool IsEnvironment(Exception error) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } => true,
        PostgresException server => server.SqlState[..2] is "08" or "25" or "28" or "40" or "53" or "55" or "57" or "58" or "3D" or "XX",
        NpgsqlException or SocketException or TimeoutException or IOException => true,
        _ => false,
    };

    /// <summary>The fault as the journal's callers know it.</summary>
    public static JournalUnavailableException Unavailable(Exception error) => new($"PostgreSQL cannot be used now: {Describe(error)}", error);

    /// <summary>What the server or the network says, without anything of the connection string.</summary>
    public static string Describe(Exception error) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => "a statement took longer than it may",
        PostgresException server => $"{server.MessageText} ({server.SqlState})",
        { InnerException: SocketException socket } => $"the connection failed ({socket.Message})",
        { InnerException: EndOfStreamException or IOException } => "the connection was lost",
        { InnerException: TimeoutException } or TimeoutException => "no answer in time",
        _ => error.Message,
    };
}
