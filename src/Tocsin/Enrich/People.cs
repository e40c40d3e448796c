using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Tocsin.Enrich;

/// <summary>What is known of a person; null where the file says nothing.</summary>
public sealed record Person(string UserId, string? Name, string? Email, string? Team, string? Manager);

/// <summary>Who the people are, as <c>people.csv</c> says, by id. Never changes; any thread may ask.</summary>
public sealed class People
{
    /// <summary>Most people of a file (some 500 bytes each); one with more is refused.</summary>
    public const int MaxRows = 200_000;

    /// <summary>The largest file that is read, 64 MiB.</summary>
    public const long MaxBytes = 64L << 20;

    private const int MaxCellCharacters = 1_000;
    private static readonly string[] Columns = ["user_id", "name", "email", "team", "manager"];

    private readonly Person[] _byId;
    private readonly Dictionary<string, Person> _ids;

    private People(IEnumerable<Person> people, long fingerprint)
    {
        Fingerprint = fingerprint;
        _byId = [.. people.OrderBy(person => person.UserId, StringComparer.Ordinal)];
        _ids = _byId.ToDictionary(person => person.UserId, StringComparer.Ordinal);
    }

    /// <summary>Nobody is known.</summary>
    public static People None { get; } = new([], 0);

    public int Rows => _byId.Length;

    /// <summary>Another one for another file.</summary>
    public long Fingerprint { get; }

    /// <summary>Reads a file, or says every mistake in it.</summary>
    public static FileContent<People> Read(byte[] bytes)
    {
        var mistakes = new List<FileMistake>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var people = new List<Person>();
        foreach (var row in CsvTable.Read(bytes, Columns, required: 1, MaxRows, mistakes))
        {
            var id = row.Cells[0];
            if (!IdentityDirectory.IsUserId(id))
                mistakes.Add(new FileMistake(row.Line, $"user_id: expected 1 to {IdentityDirectory.MaxUserIdCharacters} characters without control characters"));
            else if (!lines.TryAdd(id, row.Line))
                mistakes.Add(new FileMistake(row.Line, $"user_id: {id} stands in line {lines[id]} already"));
            if (Array.Exists(row.Cells, cell => cell.Length > MaxCellCharacters))
                mistakes.Add(new FileMistake(row.Line, $"a cell has more than {MaxCellCharacters:N0} characters"));
            people.Add(new Person(id, Told(row.Cells[1]), Told(row.Cells[2]), Told(row.Cells[3]), Told(row.Cells[4])));
        }
        return FileContent<People>.From(() => new People(people, BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(bytes))), mistakes);
    }

    /// <summary>
    /// People by id, after an id, at most <paramref name="limit"/>: those of <paramref name="ids"/> when there are any, in whose id, name, email, team or manager
    /// the text stands, in any case, when there is one.
    /// </summary>
    public IReadOnlyList<Person> List(IReadOnlyCollection<string> ids, string? text, string? after, int limit)
    {
        var asked = ids.Count == 0 ? _byId.Skip(After(after)) : ids.Distinct().Order(StringComparer.Ordinal)
            .Where(id => after is null || string.CompareOrdinal(id, after) > 0).Select(id => _ids.GetValueOrDefault(id)).OfType<Person>();
        return [.. asked.Where(person => text is null || Says(person, text)).Take(limit)];
    }

    private int After(string? id)
    {
        if (id is null)
            return 0;
        var (low, high) = (0, _byId.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = string.CompareOrdinal(_byId[middle].UserId, id) <= 0 ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    private static bool Says(Person person, string text)
    {
        return Has(person.UserId) || Has(person.Name) || Has(person.Email) || Has(person.Team) || Has(person.Manager);

        bool Has(string? value) => value?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;
    }

    private static string? Told(string cell) => cell.Length == 0 ? null : cell;
}
