using System.Text.Json.Serialization;

namespace Tocsin.Collect;

/// <summary>
/// One process of several that share a journal. <paramref name="Id"/> is made at each start; <paramref name="Name"/> is for people, and the same after a restart.
/// </summary>
public sealed record ClusterNode(string Id, string Name, string Version, DateTimeOffset StartedAt);

/// <summary>A node that lives, and the sources that it polls.</summary>
public sealed record NodeView(string Name, string Version, DateTimeOffset StartedAt, IReadOnlyList<string> Sources);

/// <summary>A node's row of state, written anew with every beat: that its version moves shows that the node lives.</summary>
internal sealed record NodeRow(string Name, string Version, DateTimeOffset StartedAt)
{
    public const string StateName = "nodes";
}

/// <summary>Who polls a source: a node's id, null when none does. <paramref name="Epoch"/> counts how often that changed.</summary>
internal sealed record LeaseRow(string? Node, string? Name, long Epoch);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NodeRow))]
[JsonSerializable(typeof(LeaseRow))]
internal sealed partial class NodeJson : JsonSerializerContext;
