using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tocsin.Journal;

namespace Tocsin.Access;

/// <summary>
/// The tokens that were made: kept as state, one row each, in use as soon as they are durable and out of use as soon as they are gone. When each was
/// last used is kept in memory and written once a minute and at the end: a crash forgets up to a minute of that.
/// </summary>
public sealed class TokenStore(EventJournal journal, AccessControl access, OwnActions actions, IReadOnlyCollection<string> sources, TimeProvider time) : IDisposable
{
    /// <summary>Tokens there may be, expired ones too.</summary>
    public const int MaxTokens = 10_000;

    /// <summary>How often uses are written.</summary>
    public static readonly TimeSpan SaveInterval = TimeSpan.FromMinutes(1);

    /// <summary>The name of their rows of state.</summary>
    public const string StateName = "tokens";

    /// <summary>The name of the rows that say when each was last used.</summary>
    public const string UsesName = "token_uses";

    private const string Prefix = "tocsin_";
    private const int SecretBytes = 32;
    private const int RowsPerAppend = 1_000;
    private readonly SemaphoreSlim _one = new(1);
    private volatile ImmutableSortedDictionary<string, AccessToken> _tokens = ImmutableSortedDictionary.Create<string, AccessToken>(StringComparer.Ordinal);

    /// <summary>All tokens by name, the admin token among them.</summary>
    public IReadOnlyList<AccessToken> List() => [.. _tokens.Values.Append(access.Admin).OrderBy(token => token.Name, StringComparer.Ordinal)];

    /// <summary>Null when there is none of this name.</summary>
    public AccessToken? Find(string name) => name == access.Admin.Name ? access.Admin : _tokens.GetValueOrDefault(name);

    /// <summary>Takes over what is kept: before anybody calls, and when another node made or revoked one.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var tokens = ImmutableSortedDictionary.CreateBuilder<string, AccessToken>(StringComparer.Ordinal);
            await foreach (var row in journal.Store.AllStateAsync(StateName, cancellation))
                if (row.Key != access.Admin.Name)
                    tokens.Add(row.Key, Known(Read(row)));
            Use(tokens.ToImmutable());
            await foreach (var row in journal.Store.AllStateAsync(UsesName, cancellation))
                Find(row.Key)?.RestoreUse(BinaryPrimitives.ReadInt64LittleEndian(row.Value));
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Makes a token, with a name that <see cref="TokenName.Defect"/> finds nothing wrong with; <paramref name="lifetime"/> null: for good. When this returns with
    /// <see cref="TokenOutcome.Done"/> it is durable and in use. Throws <see cref="JournalUnavailableException"/>: nothing was made then.
    /// </summary>
    public async Task<TokenCreation> CreateAsync(string name, Scope scopes, TimeSpan? lifetime, Actor actor, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (Find(name) is not null)
                return new(TokenOutcome.Taken);
            if (_tokens.Count >= MaxTokens)
                return new(TokenOutcome.Full);
            var secret = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
            var hash = new byte[SHA256.HashSizeInBytes];
            AccessControl.Hash(secret, hash);
            var now = time.GetUtcNow();
            var token = new AccessToken(name, scopes, hash, now, now + lifetime);
            var result = await journal.AppendAsync(new Append
            {
                Entries = [Record(OwnActionType.TokenCreated, $"{actor.Name} made the token {name}", token, actor)],
                // A use that was written while another of this name was on its way out must not become this one's.
                State = [new StateWrite(StateName, name, Row(token)), new StateWrite(UsesName, name, null)],
                Expect = [new StateExpectation(StateName, name, 0)],
            }, CancellationToken.None); // Not cancelled half-way: what gets on disk must get into use too.
            if (result.Status != AppendStatus.Committed)
                return new(TokenOutcome.Taken);
            Use(_tokens.Add(name, token));
            return new(TokenOutcome.Done, token, secret);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>True when it was there; it is durably gone then, and no longer known. Throws <see cref="JournalUnavailableException"/>: it is as it was then.</summary>
    public async Task<bool> RevokeAsync(string name, Actor actor, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (_tokens.GetValueOrDefault(name) is not { } token)
                return false;
            await journal.AppendAsync(new Append
            {
                Entries = [Record(OwnActionType.TokenRevoked, $"{actor.Name} revoked the token {name}", token, actor)],
                State = [new StateWrite(StateName, name, null), new StateWrite(UsesName, name, null)],
            }, CancellationToken.None);
            Use(_tokens.Remove(name));
            return true;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Writes uses every minute until cancelled; the last ones are for <see cref="SaveUsesAsync"/>, when nobody calls any more.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(SaveInterval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
            await SaveUsesAsync(cancellation);
    }

    /// <summary>Writes the uses that the store does not know of. When the store cannot write now they are kept for the next time.</summary>
    public async Task SaveUsesAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var used = List().Select(token => (Token: token, Seconds: token.LastUsedSeconds)).Where(use => use.Seconds != use.Token.SavedUse);
            foreach (var chunk in used.Chunk(RowsPerAppend))
            {
                await journal.AppendAsync(new Append { State = [.. chunk.Select(use => new StateWrite(UsesName, use.Token.Name, Row(use.Seconds)))] }, cancellation);
                foreach (var (token, seconds) in chunk)
                    token.SavedUse = seconds;
            }
        }
        catch (JournalUnavailableException)
        {
            // The journal has logged why. Who used what when is no reason to end the service.
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Why a token cannot have this name; null when it can.</summary>
    public string? NameDefect(string? name) => TokenName.Defect(name, sources);

    public void Dispose() => _one.Dispose();

    /// <summary>The token as it is known already, with its last use, where it is the same.</summary>
    private AccessToken Known(AccessToken token) => _tokens.GetValueOrDefault(token.Name) is { } known && known.Hash.Span.SequenceEqual(token.Hash.Span) ? known : token;

    private void Use(ImmutableSortedDictionary<string, AccessToken> tokens)
    {
        _tokens = tokens;
        access.Use(tokens.Values);
    }

    private SecurityEvent Record(string type, string description, AccessToken token, Actor actor)
    {
        var scopes = token.Scopes.Names();
        return actions.Event(type, actor, $"{description} ({string.Join(", ", scopes)}).", data =>
        {
            data.WriteString("name"u8, token.Name);
            data.WriteStartArray("scopes"u8);
            foreach (var scope in scopes)
                data.WriteStringValue(scope);
            data.WriteEndArray();
            data.WriteString("expires_at"u8, token.ExpiresAt is { } expires ? EventTime.From(expires, 3).ToString() : null);
        });
    }

    private static byte[] Row(long seconds)
    {
        var row = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(row, seconds);
        return row;
    }

    private static byte[] Row(AccessToken token) => JsonSerializer.SerializeToUtf8Bytes(
        new TokenRow(token.Hash.ToArray(), token.Scopes.Names(), token.CreatedAt!.Value, token.ExpiresAt), TokenJson.Default.TokenRow);

    private static AccessToken Read(StateRow row)
    {
        var kept = JsonSerializer.Deserialize(row.Value, TokenJson.Default.TokenRow)!;
        // A scope that this version does not know gives nothing.
        var scopes = kept.Scopes.Aggregate(Scope.None, (all, name) => ScopeNames.TryParse(name, out var scope) ? all | scope : all);
        return new AccessToken(row.Key, scopes, kept.Hash, kept.CreatedAt, kept.ExpiresAt);
    }
}

/// <summary>What became of making a token.</summary>
public enum TokenOutcome
{
    Done,

    /// <summary>There is one of this name.</summary>
    Taken,

    /// <summary>There are <see cref="TokenStore.MaxTokens"/>.</summary>
    Full,
}

/// <summary>A token that was made, with its secret: nobody will know it again.</summary>
public sealed record TokenCreation(TokenOutcome Outcome, AccessToken? Token = null, string? Secret = null)
{
    /// <summary>Prints no secret.</summary>
    public override string ToString() => $"{Outcome} {Token?.Name}";
}

/// <summary>A token's row of state.</summary>
internal sealed record TokenRow(byte[] Hash, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TokenRow))]
internal sealed partial class TokenJson : JsonSerializerContext;
