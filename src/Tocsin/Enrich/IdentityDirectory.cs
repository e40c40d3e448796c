using System.Collections.Concurrent;

namespace Tocsin.Enrich;

/// <summary>
/// Who held which address when, in one directory per source and one for assignments by hand. Values in, answers out: what is learned is
/// returned as changes, which the caller makes durable and then applies. Any thread may ask; one at a time may apply.
/// </summary>
/// <remarks>
/// The rule: a holder is valid from its first sight to the next holder's; the first is open to the past, the last to the future. Absence
/// from an answer, a failed or an empty answer ends nothing. An event is attributed by its own time.
/// </remarks>
public sealed class IdentityDirectory
{
    /// <summary>Directory of the assignments by hand. A person who says who it was is asked first.</summary>
    public const string ByHand = "manual";

    /// <summary>Most addresses in one directory (about 200 bytes each); a fetch that would pass it fails as a whole.</summary>
    public const int MaxAddresses = 1_000_000;

    /// <summary>Most holders kept of one address in one directory; the oldest give way, and the one after them is then the first.</summary>
    public const int MaxHolders = 200;

    /// <summary>The longest id a directory holds: it stands in addresses, headers and keys.</summary>
    public const int MaxUserIdCharacters = 200;

    private volatile Owners _owners = Owners.None;
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, IReadOnlyList<Holder>>> _directories = new(StringComparer.Ordinal);

    /// <summary>Who is asked when no directory knows an address. Replaced as a whole; nobody at first.</summary>
    public Owners Owners
    {
        get => _owners;
        set => _owners = value;
    }

    /// <summary>True for what can be a person's id: 1 to <see cref="MaxUserIdCharacters"/> characters, no control characters among them.</summary>
    public static bool IsUserId(string text) => !string.IsNullOrWhiteSpace(text) && text.Length <= MaxUserIdCharacters && !text.Any(char.IsControl);

    /// <summary>Whom a record concerns: <paramref name="who"/> is what stands at the mapped path, <paramref name="isId"/> says it is a number and so no address.</summary>
    public (string? UserId, Attribution Attribution) Resolve(string source, string? who, bool isId, EventTime time)
    {
        if (who is null)
            return (null, Attribution.Nobody);
        if (isId)
            return (who, Attribution.FromRecord);
        if (Address.Normalise(who) is not { } address)
            return _owners.Of(who, time) is { } owner ? (owner.Holder.UserId, new Attribution(AttributionRule.Owner, owner.Source, who)) : (who, Attribution.FromRecord);
        return ResolveAddress(source, address, time) is { } found ? (found.UserId, found.Attribution) : (null, new Attribution(AttributionRule.Unresolved, null, address));
    }

    /// <summary>
    /// The holder of a canonical address: assigned by hand, else by the source's own directory, else by the others in order of name, else the owner of the most
    /// specific network.
    /// </summary>
    public (string UserId, Attribution Attribution)? ResolveAddress(string source, string address, EventTime time) =>
        Held(source, address, time) is { } held ? (held.UserId, new Attribution(AttributionRule.Identity, held.Directory, address))
        : IpRange.TryAddress(address, out var number) && _owners.Of(number, time) is { } owner ? (owner.Holder.UserId, new Attribution(AttributionRule.Owner, owner.Source, address))
        : null;

    /// <summary>True when a directory or an owner knows a canonical address, at some time.</summary>
    public bool Knows(string address) =>
        _directories.Values.Any(known => known.ContainsKey(address)) || (IpRange.TryAddress(address, out var number) && _owners.Knows(number));

    private (string UserId, string Directory)? Held(string source, string address, EventTime time)
    {
        if ((Find(ByHand, address, time) ?? Find(source, address, time)) is { } first)
            return first;
        foreach (var other in _directories.Keys.Order(StringComparer.Ordinal))
            if (other != ByHand && other != source && Find(other, address, time) is { } found)
                return found;
        return null;
    }

    /// <summary>
    /// What an answer of a source's directory changes: addresses not seen before and new holders. <paramref name="seenAt"/> is when it was
    /// fetched. Throws <see cref="DirectoryFullException"/> when the directory would pass <see cref="MaxAddresses"/>.
    /// </summary>
    public IReadOnlyList<HolderChange> Observe(string directory, IReadOnlyDictionary<string, string> users, DateTimeOffset seenAt)
    {
        var known = _directories.GetOrAdd(directory, static _ => new(StringComparer.Ordinal));
        var changes = new List<HolderChange>();
        var fresh = 0;
        foreach (var (address, user) in users)
        {
            if (!known.TryGetValue(address, out var holders))
            {
                fresh++;
                changes.Add(new HolderChange(directory, address, [new Holder(user, DateTimeOffset.MinValue, DateTimeOffset.MaxValue)]));
            }
            else if (holders[^1].UserId != user)
            {
                Holder[] next = [.. holders.SkipLast(1), holders[^1] with { To = seenAt }, new Holder(user, seenAt, DateTimeOffset.MaxValue)];
                next = next[Math.Max(0, next.Length - MaxHolders)..];
                next[0] = next[0] with { From = DateTimeOffset.MinValue };
                changes.Add(new HolderChange(directory, address, next));
            }
        }
        CheckRoom(directory, known.Count + fresh);
        return changes;
    }

    /// <summary>
    /// What an assignment by hand changes. Where assignments overlap the newest wins, so it goes first. Throws like <see cref="Observe"/>.
    /// </summary>
    public HolderChange Assign(string address, string userId, DateTimeOffset? from, DateTimeOffset? to)
    {
        var earlier = Holders(ByHand, address);
        CheckRoom(ByHand, Count(ByHand) + (earlier.Count == 0 ? 1 : 0));
        var assigned = new Holder(userId, from ?? DateTimeOffset.MinValue, to ?? DateTimeOffset.MaxValue);
        return new HolderChange(ByHand, address, [assigned, .. earlier.Where(holder => holder != assigned).Take(MaxHolders - 1)]);
    }

    /// <summary>Takes over a change that is durable; false when it was known already.</summary>
    public bool Apply(HolderChange change)
    {
        var known = _directories.GetOrAdd(change.Directory, static _ => new(StringComparer.Ordinal));
        if (known.TryGetValue(change.Address, out var holders) && holders.SequenceEqual(change.Holders))
            return false;
        known[change.Address] = change.Holders;
        return true;
    }

    /// <summary>Everything known of an address: the directory and its holders, then the rows of owners that hold it.</summary>
    public IReadOnlyList<(string Directory, IReadOnlyList<Holder> Holders)> Find(string address)
    {
        var owners = IpRange.TryAddress(address, out var number) ? _owners.All(number) : [];
        return
        [
            .. _directories.Keys.Order(StringComparer.Ordinal).Select(directory => (directory, Holders(directory, address))).Where(found => found.Item2.Count > 0),
            .. owners.Select(owner => (owner.Source, (IReadOnlyList<Holder>)[owner.Holder])),
        ];
    }

    /// <summary>The number of addresses in a directory.</summary>
    public int Count(string directory) => _directories.TryGetValue(directory, out var known) ? known.Count : 0;

    private static void CheckRoom(string directory, int addresses)
    {
        if (addresses > MaxAddresses)
            throw new DirectoryFullException($"the identity directory {directory} would hold more than {MaxAddresses:N0} addresses");
    }

    private (string UserId, string Directory)? Find(string directory, string address, EventTime time)
    {
        foreach (var holder in Holders(directory, address))
            if (holder.Holds(time))
                return (holder.UserId, directory);
        return null;
    }

    private IReadOnlyList<Holder> Holders(string directory, string address) =>
        _directories.TryGetValue(directory, out var known) && known.TryGetValue(address, out var holders) ? holders : [];
}
