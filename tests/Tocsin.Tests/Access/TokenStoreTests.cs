using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Journal;

namespace Tocsin.Tests.Access;

public sealed class TokenStoreTests : IAsyncDisposable
{
    private static readonly Actor Alice = new("alice", "192.0.2.7");
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private Rig _rig;

    public TokenStoreTests() => _rig = new Rig(_folder.Path, _time);

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_token_is_known_as_soon_as_it_is_made_and_no_longer_once_it_is_revoked()
    {
        var secret = await MakeAsync("ci", Scope.Ingest | Scope.Read);
        secret.ShouldStartWith("tocsin_");
        secret.Length.ShouldBe("tocsin_".Length + 43, "32 bytes");
        var caller = _rig.Access.Authenticate("Bearer " + secret).ShouldNotBeNull();
        (caller.Name, caller.Scopes).ShouldBe(("ci", Scope.Ingest | Scope.Read));
        _rig.Access.Authenticate(secret[..^1]).ShouldBeNull();
        _rig.Access.Authenticate(secret + "A").ShouldBeNull();

        (await _rig.Tokens.RevokeAsync("ci", Alice, default)).ShouldBeTrue();
        _rig.Access.Authenticate("Bearer " + secret).ShouldBeNull();
        (await _rig.Tokens.RevokeAsync("ci", Alice, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_restart_keeps_tokens_and_their_use_and_forgets_those_that_were_revoked()
    {
        var kept = await MakeAsync("kept", Scope.Metrics, TimeSpan.FromDays(90));
        var gone = await MakeAsync("gone", Scope.Read);
        _time.Advance(TimeSpan.FromMilliseconds(61_700));
        _rig.Access.Authenticate(kept);
        var usedAt = _rig.Tokens.Find("kept")!.LastUsedAt.ShouldNotBeNull();
        usedAt.ShouldBe(_time.GetUtcNow().AddMilliseconds(-700), "to the second");
        await _rig.Tokens.RevokeAsync("gone", Alice, default);
        await _rig.Tokens.SaveUsesAsync(default);
        var before = _rig.Tokens.Find("kept")!;

        await RestartAsync();
        var after = _rig.Tokens.Find("kept").ShouldNotBeNull();
        (after.Scopes, after.CreatedAt, after.ExpiresAt, after.LastUsedAt).ShouldBe((before.Scopes, before.CreatedAt, before.ExpiresAt, (DateTimeOffset?)usedAt));
        _rig.Access.Authenticate(kept).ShouldNotBeNull();
        _rig.Access.Authenticate(gone).ShouldBeNull();
        _rig.Tokens.List().Select(token => token.Name).ShouldBe(["admin", "kept"]);
    }

    [Fact]
    public async Task A_token_expires_at_its_very_instant()
    {
        var secret = await MakeAsync("short", Scope.Read, TimeSpan.FromHours(12));
        _time.Advance(TimeSpan.FromHours(12) - TimeSpan.FromTicks(1));
        _rig.Access.Authenticate(secret).ShouldNotBeNull();
        _time.Advance(TimeSpan.FromTicks(1));
        _rig.Access.Authenticate(secret).ShouldBeNull();
        await RestartAsync();
        _rig.Access.Authenticate(secret).ShouldBeNull();
        _rig.Tokens.Find("short").ShouldNotBeNull("it is listed until it is revoked");
        (await _rig.Tokens.CreateAsync("short", Scope.Read, null, Alice, default)).Outcome.ShouldBe(TokenOutcome.Taken);
    }

    [Fact]
    public async Task A_token_that_becomes_the_admin_token_of_a_later_start_is_that()
    {
        var secret = await MakeAsync("ci", Scope.Read);
        await _rig.DisposeAsync();
        _rig = new Rig(_folder.Path, _time, SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
        await _rig.Tokens.LoadAsync(default);
        _rig.Access.Authenticate(secret)!.Name.ShouldBe("admin");
        await _rig.Tokens.RevokeAsync("ci", Alice, default);
        _rig.Access.Authenticate(secret)!.Name.ShouldBe("admin");
    }

    [Fact]
    public async Task Uses_are_written_once_a_minute_together_and_only_when_there_are_any()
    {
        var secrets = new List<string>();
        for (var i = 0; i < 20; i++)
            secrets.Add(await MakeAsync($"t{i}", Scope.Read));
        using var stop = new CancellationTokenSource();
        var saving = _rig.Tokens.RunAsync(stop.Token);
        var commits = _rig.Store.Groups.Count;
        for (var second = 0; second < 50; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            secrets.ForEach(secret => _rig.Access.Authenticate(secret).ShouldNotBeNull());
        }
        _rig.Store.Groups.Count.ShouldBe(commits);
        _time.Advance(TimeSpan.FromSeconds(10));
        await Until.TrueAsync(() => _rig.Store.Groups.Count == commits + 1);
        await Until.TrueAsync(() => _rig.Tokens.List().All(token => token.SavedUse == token.LastUsedSeconds));
        _time.Advance(TimeSpan.FromMinutes(5));
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => saving);
        await _rig.Tokens.SaveUsesAsync(default);
        _rig.Store.Groups.Count.ShouldBe(commits + 1, "nothing new to write");
    }

    [Fact]
    public async Task A_use_that_cannot_be_written_is_written_later()
    {
        _rig.Access.Authenticate(await MakeAsync("ci", Scope.Read));
        _rig.Store.Refuse = _ => new JournalUnavailableException("disk full");
        await _rig.Tokens.SaveUsesAsync(default);
        _rig.Store.Refuse = _ => null;
        await _rig.Tokens.SaveUsesAsync(default);
        await RestartAsync();
        _rig.Tokens.Find("ci")!.LastUsedAt.ShouldBe(_time.GetUtcNow());
    }

    [Fact]
    public async Task A_token_made_anew_has_not_been_used_by_its_predecessor()
    {
        _rig.Access.Authenticate(await MakeAsync("ci", Scope.Read));
        await _rig.Tokens.SaveUsesAsync(default);
        await _rig.Tokens.RevokeAsync("ci", Alice, default);
        await MakeAsync("ci", Scope.Read);
        _rig.Tokens.Find("ci")!.LastUsedAt.ShouldBeNull();
        await RestartAsync();
        _rig.Tokens.Find("ci")!.LastUsedAt.ShouldBeNull();
    }

    [Fact]
    public async Task Of_many_who_make_one_name_at_once_one_does()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => _rig.Tokens.CreateAsync("ci", Scope.Read, null, Alice, default))));
        made.Count(creation => creation.Outcome == TokenOutcome.Done).ShouldBe(1);
        made.Count(creation => creation.Outcome == TokenOutcome.Taken).ShouldBe(19);
    }

    [Fact]
    public async Task A_name_that_another_wrote_into_the_store_meanwhile_is_taken()
    {
        await _rig.Journal.AppendAsync(new Append { State = [new StateWrite("tokens", "ci", "{}"u8.ToArray())] }, default);
        (await _rig.Tokens.CreateAsync("ci", Scope.Read, null, Alice, default)).Outcome.ShouldBe(TokenOutcome.Taken);
        _rig.Journal.Head.ShouldBe(0, "and nothing is recorded");
    }

    [Fact]
    public async Task What_the_store_cannot_keep_is_not_done()
    {
        var secret = await MakeAsync("ci", Scope.Read);
        _rig.Store.Refuse = _ => new JournalUnavailableException("disk full");
        await Should.ThrowAsync<JournalUnavailableException>(() => _rig.Tokens.CreateAsync("other", Scope.Read, null, Alice, default));
        await Should.ThrowAsync<JournalUnavailableException>(() => _rig.Tokens.RevokeAsync("ci", Alice, default));
        _rig.Access.Authenticate(secret).ShouldNotBeNull();
        _rig.Tokens.List().Select(token => token.Name).ShouldBe(["admin", "ci"]);
        _rig.Store.Refuse = _ => null;
        await MakeAsync("other", Scope.Read);
    }

    [Fact]
    public async Task Making_and_revoking_commit_together_with_their_record()
    {
        var commits = _rig.Store.Groups.Count;
        var secret = await MakeAsync("ci", Scope.Ingest | Scope.Read, TimeSpan.FromDays(1));
        await _rig.Tokens.RevokeAsync("ci", Alice, default);
        _rig.Store.Groups.Count.ShouldBe(commits + 2);
        var events = (await _rig.Journal.Store.ReadAsync(0, 100, default)).Select(entry => (SecurityEvent)entry.Entry).ToArray();
        events.Select(e => e.Type).ShouldBe(["tocsin.token.created", "tocsin.token.revoked"]);
        foreach (var e in events)
        {
            (e.Kind, e.Source, e.UserId, e.SrcIp, e.Attribution.Rule, e.Time.ToDateTimeOffset()).ShouldBe((EventKind.Audit, "tocsin", "alice", "192.0.2.7", AttributionRule.Record, _time.GetUtcNow()));
            e.Data.ToString().ShouldBe("""{"name":"ci","scopes":["ingest","read"],"expires_at":"2026-03-05T12:00:00.000Z"}""");
            e.Description!.ShouldNotContain(secret);
        }
    }

    [Fact]
    public async Task There_is_a_bound_and_revoking_makes_room()
    {
        var rows = Enumerable.Range(0, TokenStore.MaxTokens).Select(i => new StateWrite("tokens", $"t{i}",
            JsonSerializer.SerializeToUtf8Bytes(new TokenRow(SHA256.HashData(BitConverter.GetBytes(i)), ["read", "from-the-future"], _time.GetUtcNow(), null), TokenJson.Default.TokenRow)));
        await _rig.Journal.AppendAsync(new Append { State = [.. rows] }, default);
        await RestartAsync();
        _rig.Tokens.Find("t7")!.Scopes.ShouldBe(Scope.Read, "a scope that is not known gives nothing");
        (await _rig.Tokens.CreateAsync("one-more", Scope.Read, null, Alice, default)).Outcome.ShouldBe(TokenOutcome.Full);
        await _rig.Tokens.RevokeAsync("t7", Alice, default);
        await MakeAsync("one-more", Scope.Read);
    }

    [Fact]
    public async Task A_secret_stands_in_no_file_and_in_no_text()
    {
        var creation = await _rig.Tokens.CreateAsync("ci", Scope.Read, null, Alice, default);
        $"{creation}".ShouldNotContain(creation.Secret!);
        foreach (var file in Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            (await reader.ReadToEndAsync()).ShouldNotContain(creation.Secret!["tocsin_".Length..], Case.Sensitive, file);
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("7")]
    [InlineData("Billing.eu-1_x")]
    [InlineData("...")]
    [InlineData("manual")]
    public void A_name_of_letters_digits_and_a_few_signs_is_fine(string name) => _rig.Tokens.NameDefect(name).ShouldBeNull();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("é")]
    [InlineData("a\n")]
    [InlineData("tocsin")]
    [InlineData("Tocsin")]
    [InlineData("admin")]
    [InlineData("anonymous")]
    [InlineData("elevate")]
    public void A_name_that_would_stand_for_somebody_else_or_break_a_line_is_refused(string? name) => _rig.Tokens.NameDefect(name).ShouldNotBeNull();

    [Fact]
    public void A_name_has_100_characters_at_most()
    {
        _rig.Tokens.NameDefect(new string('x', 100)).ShouldBeNull();
        _rig.Tokens.NameDefect(new string('x', 101)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Knowing_a_caller_allocates_nothing_whoever_it_is()
    {
        var header = "Bearer " + await MakeAsync("ci", Scope.Read, TimeSpan.FromDays(1));
        for (var i = 0; i < 100; i++)
            _rig.Access.Authenticate(header);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            _rig.Access.Authenticate(header);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public async Task Callers_are_known_while_tokens_come_and_go()
    {
        var header = await MakeAsync("steady", Scope.Read);
        using var stop = new CancellationTokenSource();
        var calling = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
                _rig.Access.Authenticate(header).ShouldNotBeNull();
        });
        for (var i = 0; i < 50; i++)
        {
            var secret = await MakeAsync("other", Scope.Read);
            _rig.Access.Authenticate(secret).ShouldNotBeNull();
            await _rig.Tokens.RevokeAsync("other", Alice, default);
            _rig.Access.Authenticate(secret).ShouldBeNull();
        }
        await stop.CancelAsync();
        await calling;
    }

    private async Task<string> MakeAsync(string name, Scope scopes, TimeSpan? lifetime = null)
    {
        var creation = await _rig.Tokens.CreateAsync(name, scopes, lifetime, Alice, default);
        creation.Outcome.ShouldBe(TokenOutcome.Done);
        return creation.Secret!;
    }

    private async Task RestartAsync()
    {
        await _rig.DisposeAsync();
        _rig = new Rig(_folder.Path, _time);
        await _rig.Tokens.LoadAsync(default);
    }

    private sealed class Rig : IAsyncDisposable
    {
        public Rig(string folder, FakeTimeProvider time, byte[]? admin = null)
        {
            Store = new TestStore(folder);
            Journal = new EventJournal(Store, 100_000, NullLogger<EventJournal>.Instance);
            Access = new AccessControl(admin ?? new byte[32], anonymousRead: false, time);
            Tokens = new TokenStore(Journal, Access, new OwnActions(Journal, time), ["elevate"], time);
        }

        public TestStore Store { get; }

        public EventJournal Journal { get; }

        public AccessControl Access { get; }

        public TokenStore Tokens { get; }

        public async ValueTask DisposeAsync()
        {
            Tokens.Dispose();
            await Journal.DisposeAsync();
        }
    }
}
