using System.Text.Json;
using Tocsin.Enrich;

namespace Tocsin.Collect;

/// <summary>Reads the two forms of an identity directory.</summary>
internal static class IdentityFormat
{
    private const string Header = "ip,user_id";

    public static (Dictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Read(IdentitiesDefinition definition, byte[] body) =>
        definition.File?.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) == true ? Csv(body) : Json(body);

    private static (Dictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Json(byte[] body)
    {
        var (answer, malformed) = Answer.Parse(body);
        if (answer is null)
            return ([], [], malformed);
        using (answer)
        {
            if (answer.Root.ValueKind != JsonValueKind.Object)
                return ([], [], new FetchFailure(FetchFailureKind.Malformed, "the identities are no object address -> id"));
            var users = new Dictionary<string, string>(StringComparer.Ordinal);
            var refused = new List<RejectedRecord>();
            foreach (var entry in answer.Root.EnumerateObject())
                Take(entry, users, refused);
            return (users, refused, null);
        }
    }

    private static (Dictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Csv(byte[] body)
    {
        var lines = System.Text.Encoding.UTF8.GetString(body).TrimStart('\uFEFF').Split('\n').Select(line => line.Trim()).ToArray();
        if (!string.Equals(lines[0].Replace(" ", ""), Header, StringComparison.OrdinalIgnoreCase))
            return ([], [], new FetchFailure(FetchFailureKind.Malformed, $"the first line of the identities must be {Header}"));
        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        var refused = new List<RejectedRecord>();
        foreach (var line in lines.Skip(1).Where(line => line.Length > 0 && line[0] != '#'))
        {
            // Quotes and more columns are another dialect; what was no UTF-8 has become U+FFFD. Half understood is worse than refused.
            var cells = line.Split(',');
            if (cells.Length == 2 && line.AsSpan().IndexOfAny('"', '\uFFFD') < 0
                && Address.Normalise(cells[0].Trim()) is { } address && cells[1].Trim() is var user && IsId(user))
                users[address] = user;
            else
                refused.Add(new RejectedRecord("", JsonSerializer.SerializeToUtf8Bytes(line), "the line is no address and id"));
        }
        return (users, refused, null);
    }

    private static void Take(JsonProperty entry, Dictionary<string, string> users, List<RejectedRecord> refused)
    {
        string? Name()
        {
            try
            {
                return entry.Name;
            }
            catch (InvalidOperationException)
            {
                return null;
            }
        }

        var user = entry.Value.ValueKind switch
        {
            JsonValueKind.Number => entry.Value.GetRawText(),
            JsonValueKind.String when System.Text.Unicode.Utf8.IsValid(Answer.Raw(entry.Value)) => Text(entry.Value),
            _ => null,
        };
        if (Name() is { } name && Address.Normalise(name) is { } address && IsId(user))
            users[address] = user;
        else
            refused.Add(new RejectedRecord("", [(byte)'{', .. JsonSerializer.SerializeToUtf8Bytes(Name() ?? "?"), (byte)':', .. Answer.Raw(entry.Value), (byte)'}'], "no address with an id"));
    }

    private static bool IsId([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? user) =>
        !string.IsNullOrWhiteSpace(user) && user.Length <= IdentityDirectory.MaxUserIdCharacters;

    private static string? Text(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
