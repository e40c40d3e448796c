using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tocsin.Projections;

namespace Tocsin.Tests.Projections;

/// <summary>Short words for the board's tests.</summary>
internal static class BoardTestKit
{
    public static BoardQuery Incidents { get; } = new();

    public static IncidentBoard Board(int maxEvents = 1_000_000) => new(Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e"), maxEvents);

    /// <summary>A board that has read these entries as sequences 1, 2, 3 ...</summary>
    public static IncidentBoard BoardOf(params Entry[] entries) => BoardOf(1_000_000, entries);

    public static IncidentBoard BoardOf(int maxEvents, params Entry[] entries)
    {
        var board = Board(maxEvents);
        board.Apply([.. entries.Select((e, i) => new Sequenced(i + 1, e))]);
        return board;
    }

    public static string Text(this IncidentBoard board, BoardQuery? query = null) => Text(board.Get(query ?? Incidents).Body);

    public static string Text(BoardBody body) => Encoding.UTF8.GetString(Bytes(body));

    public static byte[] Bytes(BoardBody body)
    {
        using var fragments = new MemoryStream();
        foreach (var fragment in body.Fragments)
            fragments.Write(fragment.Span);
        fragments.Length.ShouldBe(body.Length);
        fragments.ToArray().ShouldEqual(body.Whole!);
        return body.Whole!;
    }

    /// <summary>ShouldBe boxes each byte.</summary>
    public static void ShouldEqual(this byte[] actual, byte[] expected) => actual.AsSpan().SequenceEqual(expected).ShouldBeTrue();

    /// <summary>The one incident of a board that has one.</summary>
    public static string OnlyIncident(this IncidentBoard board)
    {
        var text = board.Text();
        var list = text.IndexOf("\"incidents\":[{", StringComparison.Ordinal) + "\"incidents\":[".Length;
        return text[list..text.IndexOf("}]}", list, StringComparison.Ordinal)] + "}";
    }

    public static string[] EmployeesOf(string board) => [.. JsonNode.Parse(board)!.AsObject().Select(p => p.Key)];

    /// <summary>The same value: names in order, numbers digit for digit.</summary>
    public static string Normal(string json) => Normal(JsonDocument.Parse(json).RootElement);

    private static string Normal(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(",\n", e.EnumerateObject().Select(p => p.Name + ":" + Normal(p.Value))) + "}",
        JsonValueKind.Array => "[" + string.Join(",\n", e.EnumerateArray().Select(Normal)) + "]",
        JsonValueKind.String => JsonSerializer.Serialize(e.GetString()),
        _ => e.GetRawText(),
    };
}
