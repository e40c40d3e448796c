using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tocsin.Journal;

namespace Tocsin.Access;

/// <summary>
/// The browsers that are signed in: kept as state by the hash of their secret, one row each, and in memory for the question every request asks. A session
/// is good as long as it has not ended itself and its token is known, so that revoking a token ends its sessions with it. Thread-safe.
/// </summary>
public sealed class SessionStore(EventJournal journal, AccessControl access, OwnActions actions, TimeProvider time) : IDisposable
{
    /// <summary>Sessions there may be; for one more the oldest gives way.</summary>
    public const int MaxSessions = 1_000;

    /// <summary>How long a session lasts when its token does not end before.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    /// <summary>How often sessions that have ended are removed.</summary>
    public static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    /// <summary>The name of their rows of state.</summary>
    public const string StateName = "sessions";

    private const int IdBytes = 32;
    private const int IdCharacters = 43;
    private readonly SemaphoreSlim _one = new(1);
    private volatile Dictionary<UInt128, AccessSession> _byHash = [];

    /// <summary>Sessions that are kept, those included that have ended since the last sweep.</summary>
    public int Count => _byHash.Count;

    /// <summary>Takes over what is kept: before anybody calls, and when another node opened or closed one.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var sessions = new Dictionary<UInt128, AccessSession>();
            await foreach (var row in journal.Store.AllStateAsync(StateName, cancellation))
            {
                var kept = JsonSerializer.Deserialize(row.Value, SessionJson.Default.SessionRow)!;
                var session = new AccessSession(Convert.FromHexString(row.Key), kept.Token, kept.Name, kept.CreatedAt, kept.ExpiresAt);
                sessions[AccessControl.Key(session.Hash)] = session;
            }
            _byHash = sessions;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The session of this secret; null when there is none, or it or its token has ended. This is a use of the token.</summary>
    public SignedIn? Find(string? id)
    {
        if (id?.Length != IdCharacters)
            return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        AccessControl.Hash(id, hash);
        var now = time.GetUtcNow();
        if (!_byHash.TryGetValue(AccessControl.Key(hash), out var session) || !session.Answers(hash, now) || access.Known(session.Token, now) is not { } token)
            return null;
        token.Touch(now);
        return new SignedIn(session, token.Caller);
    }

    /// <summary>
    /// Opens a session for a token that was just shown, in place of <paramref name="replaced"/>. When this returns it is durable, recorded and in use. Throws
    /// <see cref="JournalUnavailableException"/>: nothing was opened then.
    /// </summary>
    public async Task<OpenedSession> OpenAsync(AccessToken token, Actor actor, string how, AccessSession? replaced, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(IdBytes));
            var hash = new byte[SHA256.HashSizeInBytes];
            AccessControl.Hash(id, hash);
            var now = time.GetUtcNow();
            var end = token.ExpiresAt is { } tokenEnd && tokenEnd < now + Lifetime ? tokenEnd : now + Lifetime;
            var session = new AccessSession(hash, token.Hash.ToArray(), token.Name, now, end);
            var gone = Gone(now, replaced);
            var text = EventTime.From(end, 3).ToString();
            await journal.AppendAsync(new Append
            {
                Entries = [actions.Event(OwnActionType.SignedIn, actor, $"{actor.Name} signed in with {how}.", data => data.WriteString("expires_at"u8, text))],
                State = [new StateWrite(StateName, KeyOf(session), Row(session)), .. gone.Select(one => new StateWrite(StateName, KeyOf(one), null))],
            }, CancellationToken.None); // Not cancelled half-way: what gets on disk must get into use too.
            Change(gone, session);
            return new OpenedSession(id, session);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Ends a session. When this returns it is durably gone, and no longer known. Throws <see cref="JournalUnavailableException"/>: it goes on then.</summary>
    public async Task CloseAsync(AccessSession session, Actor actor, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            // Another request may have closed it meanwhile.
            if (!_byHash.ContainsKey(AccessControl.Key(session.Hash)))
                return;
            await journal.AppendAsync(new Append
            {
                Entries = [actions.Event(OwnActionType.SignedOut, actor, $"{actor.Name} signed out.")],
                State = [new StateWrite(StateName, KeyOf(session), null)],
            }, CancellationToken.None);
            Change([session], null);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Removes sessions that have ended, every minute until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(SweepInterval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
            await SweepAsync(cancellation);
    }

    /// <summary>Removes sessions that have ended. They were not known any more before; when the store cannot write now, the next sweep comes soon.</summary>
    internal async Task SweepAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var now = time.GetUtcNow();
            List<AccessSession> gone = [.. _byHash.Values.Where(session => !IsGood(session, now))];
            if (gone.Count == 0)
                return;
            await journal.AppendAsync(new Append { State = [.. gone.Select(one => new StateWrite(StateName, KeyOf(one), null))] }, cancellation);
            Change(gone, null);
        }
        catch (JournalUnavailableException)
        {
            // The journal has logged why. Rows that nobody asks for are no reason to end the service.
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Those that go when one is opened: the one it replaces, those that have ended, and the oldest when there is no room.</summary>
    private List<AccessSession> Gone(DateTimeOffset now, AccessSession? replaced)
    {
        var sessions = _byHash.Values.ToList();
        var gone = sessions.Where(session => ReferenceEquals(session, replaced) || !IsGood(session, now)).ToList();
        if (sessions.Count - gone.Count >= MaxSessions)
            gone.AddRange(sessions.Except(gone).OrderBy(session => session.CreatedAt).Take(sessions.Count - gone.Count - MaxSessions + 1).ToList());
        return gone;
    }

    private bool IsGood(AccessSession session, DateTimeOffset now) => now < session.ExpiresAt && access.Known(session.Token, now) is not null;

    private void Change(List<AccessSession> gone, AccessSession? opened)
    {
        var sessions = new Dictionary<UInt128, AccessSession>(_byHash);
        foreach (var session in gone)
            sessions.Remove(AccessControl.Key(session.Hash));
        if (opened is not null)
            sessions[AccessControl.Key(opened.Hash)] = opened;
        _byHash = sessions;
    }

    private static string KeyOf(AccessSession session) => Convert.ToHexStringLower(session.Hash);

    private static byte[] Row(AccessSession session) => JsonSerializer.SerializeToUtf8Bytes(
        new SessionRow(session.Name, session.Token.ToArray(), session.CreatedAt, session.ExpiresAt), SessionJson.Default.SessionRow);
}

/// <summary>A session's row of state; its key is the hash of the session's secret, <paramref name="Token"/> that of the token.</summary>
internal sealed record SessionRow(string Name, byte[] Token, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SessionRow))]
internal sealed partial class SessionJson : JsonSerializerContext;
