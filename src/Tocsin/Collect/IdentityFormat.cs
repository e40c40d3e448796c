using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Tocsin.Enrich;

namespace Tocsin.Collect;

/// <summary>
/// An identity directory's answer, understood: who has which address, and what has to be kept aside, each once. Of the latter no more are held than could be
/// kept; <paramref name="MoreRejects"/> counts the others, <paramref name="Repeats"/> those that are equal to one that is held.
/// </summary>
internal sealed record IdentityAnswer(IReadOnlyDictionary<string, string> Users, IReadOnlyList<RejectedRecord> Rejects, int MoreRejects, int Repeats)
{
    public int Rejected => Rejects.Count + MoreRejects + Repeats;
}

/// <summary>Reads the two forms of an identity directory.</summary>
internal static class IdentityFormat
{
    private const string Header = "ip,user_id";

    /// <summary>Null and a failure when the whole cannot be used.</summary>
    public static (IdentityAnswer? Answer, FetchFailure? Failure) Read(IdentitiesDefinition definition, byte[] body) =>
        definition.File?.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) == true ? Csv(body) : Json(body);

    private static (IdentityAnswer? Answer, FetchFailure? Failure) Json(byte[] body)
    {
        var (answer, malformed) = Answer.Parse(body);
        if (answer is null)
            return (null, malformed);
        using (answer)
        {
            if (answer.Root.ValueKind != JsonValueKind.Object)
                return (null, new FetchFailure(FetchFailureKind.Malformed, "the identities are no object address -> id"));
            var reading = new Reading();
            foreach (var entry in answer.Root.EnumerateObject())
            {
                var name = Name(entry);
                if (!reading.TryTake(name, Id(entry.Value)))
                    reading.Reject([(byte)'{', .. JsonSerializer.SerializeToUtf8Bytes(name ?? "?"), (byte)':', .. Answer.Raw(entry.Value), (byte)'}'], "no address with an id");
                if (reading.Failure is { } failure)
                    return (null, failure);
            }
            return (reading.Answer, null);
        }
    }

    /// <summary>Line by line: a file may be large, and none of it is held twice.</summary>
    private static (IdentityAnswer? Answer, FetchFailure? Failure) Csv(ReadOnlySpan<byte> body)
    {
        var reading = new Reading();
        var isHeader = true;
        foreach (var range in body.Split((byte)'\n'))
        {
            var line = Encoding.UTF8.GetString(body[range]).Trim();
            if (isHeader)
            {
                if (!string.Equals(line.TrimStart('\uFEFF').Replace(" ", "", StringComparison.Ordinal), Header, StringComparison.OrdinalIgnoreCase))
                    return (null, new FetchFailure(FetchFailureKind.Malformed, $"the first line of the identities must be {Header}"));
                isHeader = false;
                continue;
            }
            if (line.Length == 0 || line[0] == '#')
                continue;
            // Quotes and more columns are another dialect; what was no UTF-8 has become U+FFFD. Half understood is worse than refused.
            var comma = line.IndexOf(',', StringComparison.Ordinal);
            var isPair = comma >= 0 && line.LastIndexOf(',') == comma && line.AsSpan().IndexOfAny('"', '\uFFFD') < 0;
            if (!isPair || !reading.TryTake(line[..comma].Trim(), line[(comma + 1)..].Trim()))
                reading.Reject(JsonSerializer.SerializeToUtf8Bytes(line), "the line is no address and id");
            if (reading.Failure is { } failure)
                return (null, failure);
        }
        return (reading.Answer, null);
    }

    private static string? Id(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.String when Utf8.IsValid(Answer.Raw(value)) => Text(value),
        _ => null,
    };

    private static string? Name(JsonProperty entry)
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

    /// <summary>What has been read so far, within its bounds.</summary>
    private sealed class Reading
    {
        private readonly Dictionary<string, string> _users = new(StringComparer.Ordinal);
        private readonly List<RejectedRecord> _rejects = [];
        private readonly HashSet<UInt128> _held = [];
        private int _moreRejects;
        private int _repeats;

        public IdentityAnswer Answer => new(_users, _rejects, _moreRejects, _repeats);

        /// <summary>Null while a directory could take it.</summary>
        public FetchFailure? Failure => _users.Count <= IdentityDirectory.MaxAddresses ? null
            : new FetchFailure(FetchFailureKind.TooLarge, $"the identities are of more than {IdentityDirectory.MaxAddresses:N0} addresses");

        /// <summary>False when it is no address with an id.</summary>
        public bool TryTake([NotNullWhen(true)] string? name, string? user)
        {
            if (name is null || Address.Normalise(name) is not { } address || string.IsNullOrWhiteSpace(user) || user.Length > IdentityDirectory.MaxUserIdCharacters)
                return false;
            _users[address] = user;
            return true;
        }

        /// <summary>What is kept aside is kept once: many equal rows (a table's empty ones) take no more room than one.</summary>
        public void Reject(byte[] record, string reason)
        {
            var hash = BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(record));
            if (_held.Contains(hash))
                _repeats++;
            else if (_rejects.Count == RejectStore.MaxKept)
                _moreRejects++;
            else
            {
                _held.Add(hash);
                _rejects.Add(new RejectedRecord(IdentityFeed.Name, record, reason));
            }
        }
    }
}
