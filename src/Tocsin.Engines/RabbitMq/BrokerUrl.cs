using System.Diagnostics.CodeAnalysis;

namespace Tocsin.Engines.RabbitMq;

/// <summary>
/// Where a broker is and who calls: <c>amqp://user:password@host:5672/vhost</c>, or amqps; of a cluster all nodes, with commas. Its text never holds the password.
/// </summary>
public sealed record BrokerUrl
{
    private const int PlainPort = 5672;
    private const int TlsPort = 5671;

    private BrokerUrl(bool isTls, string user, string password, IReadOnlyList<(string Host, int Port)> nodes, string virtualHost) =>
        (IsTls, User, Password, Nodes, VirtualHost) = (isTls, user, password, nodes, virtualHost);

    /// <summary>What may be written.</summary>
    public const string Form = "amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://, several HOST:PORT with commas";

    /// <summary>Whether the connection is encrypted, and the broker's certificate checked.</summary>
    public bool IsTls { get; }

    /// <summary>Who calls.</summary>
    public string User { get; }

    /// <summary>Its secret.</summary>
    public string Password { get; }

    /// <summary>The nodes of the broker.</summary>
    public IReadOnlyList<(string Host, int Port)> Nodes { get; }

    /// <summary>The virtual host; <c>/</c> when the URL names none.</summary>
    public string VirtualHost { get; }

    /// <summary>Reads it; false when it is something else. Nothing of it may be shown then: a password may be in it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BrokerUrl? url)
    {
        url = null;
        var tls = text.StartsWith("amqps://", StringComparison.OrdinalIgnoreCase);
        if (!tls && !text.StartsWith("amqp://", StringComparison.OrdinalIgnoreCase))
            return false;
        var rest = text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..];
        var (user, password) = ("guest", "guest");
        if (rest.LastIndexOf('@') is var at and >= 0)
        {
            var who = rest[..at].Split(':', 2);
            (user, password) = (Uri.UnescapeDataString(who[0]), who.Length == 2 ? Uri.UnescapeDataString(who[1]) : "");
            rest = rest[(at + 1)..];
        }
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var virtualHost = slash < 0 || slash == rest.Length - 1 ? "/" : Uri.UnescapeDataString(rest[(slash + 1)..]);
        var nodes = new List<(string, int)>();
        foreach (var node in (slash < 0 ? rest : rest[..slash]).Split(',', StringSplitOptions.TrimEntries))
            if (Uri.TryCreate("amqp://" + node, UriKind.Absolute, out var address) && address.Host.Length > 0 && address.UserInfo.Length == 0 && address.PathAndQuery is "/" or "")
                nodes.Add((address.DnsSafeHost, address.Port > 0 ? address.Port : tls ? TlsPort : PlainPort));
            else
                return false;
        if (user.Length == 0 || virtualHost.AsSpan().IndexOfAny('?', '#') >= 0)
            return false;
        url = new BrokerUrl(tls, user, password, nodes, virtualHost);
        return true;
    }

    /// <summary>Where it is, without who calls.</summary>
    public override string ToString() =>
        string.Join(", ", Nodes.Select(node => node.Host.Contains(':', StringComparison.Ordinal) ? $"[{node.Host}]:{node.Port}" : $"{node.Host}:{node.Port}"));
}
