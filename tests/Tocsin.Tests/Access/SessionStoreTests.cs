using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Journal;

namespace Tocsin.Tests.Access;

public sealed class SessionStoreTests : IAsyncDisposable
{
    private static readonly Actor Alice = new("ci", "192.0.2.7");
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private Rig _rig;

    public SessionStoreTests() => _rig = new Rig(_folder.Path, _time);

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_session_is_known_by_its_own_secret_and_may_what_its_token_may()
    {
        var token = await MakeAsync("ci", Scope.Read | Scope.Ingest);
        var id = await OpenAsync(token);
        id.Length.ShouldBe(43, "32 bytes");
        var found = _rig.Sessions.Find(id).ShouldNotBeNull();
        (found.Caller.Name, found.Caller.Scopes).ShouldBe(("ci", Scope.Read | Scope.Ingest));
        foreach (var wrong in new[] { null, "", id[1..], id + "A", id.ToUpperInvariant(), token, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id))), new string('x', 100_000), new string('\uD800', 43) })
            _rig.Sessions.Find(wrong).ShouldBeNull();
        _rig.Access.Authenticate(id).ShouldBeNull("it is no token");
    }

    [Fact]
    public async Task It_ends_after_twelve_hours_to_the_tick()
    {
        var id = await OpenAsync(await MakeAsync("ci"));
        _time.Advance(SessionStore.Lifetime - TimeSpan.FromTicks(1));
        _rig.Sessions.Find(id).ShouldNotBeNull();
        _time.Advance(TimeSpan.FromTicks(1));
        _rig.Sessions.Find(id).ShouldBeNull();
    }

    [Fact]
    public async Task It_never_outlives_its_token()
    {
        var id = await OpenAsync(await MakeAsync("ci", lifetime: TimeSpan.FromMinutes(5)));
        _rig.Sessions.Find(id)!.Value.Session.ExpiresAt.ShouldBe(_time.GetUtcNow().AddMinutes(5));
        _time.Advance(TimeSpan.FromMinutes(5));
        _rig.Sessions.Find(id).ShouldBeNull();
    }

    [Fact]
    public async Task Revoking_the_token_ends_it_at_once_and_a_new_token_of_that_name_does_not_bring_it_back()
    {
        var id = await OpenAsync(await MakeAsync("ci"));
        await _rig.Tokens.RevokeAsync("ci", Alice, default);
        _rig.Sessions.Find(id).ShouldBeNull();
        await MakeAsync("ci", Scope.Admin);
        _rig.Sessions.Find(id).ShouldBeNull();
        await RestartAsync();
        _rig.Sessions.Find(id).ShouldBeNull();
    }

    [Fact]
    public async Task A_restart_keeps_it_and_another_admin_token_ends_those_of_the_one_before()
    {
        var ci = await OpenAsync(await MakeAsync("ci"));
        var admin = (await _rig.Sessions.OpenAsync(_rig.Access.Admin, Alice, "its token", null, default)).Id;
        await RestartAsync();
        _rig.Sessions.Find(ci)!.Value.Caller.Name.ShouldBe("ci");
        _rig.Sessions.Find(admin)!.Value.Caller.Name.ShouldBe("admin");
        await RestartAsync(admin: SHA256.HashData("another"u8));
        _rig.Sessions.Find(ci).ShouldNotBeNull();
        _rig.Sessions.Find(admin).ShouldBeNull();
    }

    [Fact]
    public async Task Signing_out_ends_it_for_good_and_only_it()
    {
        var token = await MakeAsync("ci");
        var (one, other) = (await OpenAsync(token), await OpenAsync(token));
        var session = _rig.Sessions.Find(one)!.Value.Session;
        await _rig.Sessions.CloseAsync(session, Alice, default);
        await _rig.Sessions.CloseAsync(session, Alice, default);
        _rig.Sessions.Find(one).ShouldBeNull();
        await RestartAsync();
        _rig.Sessions.Find(one).ShouldBeNull();
        _rig.Sessions.Find(other).ShouldNotBeNull();
        (await TypesAsync()).ShouldBe(["tocsin.token.created", "tocsin.sign_in.succeeded", "tocsin.sign_in.succeeded", "tocsin.sign_out"], "one sign-out for two requests");
    }

    [Fact]
    public async Task Opening_commits_together_with_its_record_and_with_the_end_of_the_one_it_replaces()
    {
        var token = await MakeAsync("ci");
        var first = await OpenAsync(token);
        var commits = _rig.Store.Groups.Count;
        var second = await OpenAsync(token, _rig.Sessions.Find(first)!.Value.Session);
        _rig.Store.Groups.Count.ShouldBe(commits + 1);
        _rig.Sessions.Find(first).ShouldBeNull();
        _rig.Sessions.Find(second).ShouldNotBeNull();
        var record = (SecurityEvent)(await _rig.Journal.Store.ReadAsync(0, 100, default))[^1].Entry;
        (record.Kind, record.Source, record.UserId, record.SrcIp, record.Description, record.Data.ToString())
            .ShouldBe((EventKind.Audit, "tocsin", "ci", "192.0.2.7", "ci signed in with its token.", """{"expires_at":"2026-03-05T00:00:00.000Z"}"""));
    }

    [Fact]
    public async Task What_the_store_cannot_keep_is_not_done()
    {
        var token = await MakeAsync("ci");
        var id = await OpenAsync(token);
        _rig.Store.Refuse = _ => new JournalUnavailableException("disk full");
        await Should.ThrowAsync<JournalUnavailableException>(() => OpenAsync(token));
        await Should.ThrowAsync<JournalUnavailableException>(() => _rig.Sessions.CloseAsync(_rig.Sessions.Find(id)!.Value.Session, Alice, default));
        _rig.Sessions.Count.ShouldBe(1);
        _rig.Sessions.Find(id).ShouldNotBeNull();
    }

    [Fact]
    public async Task For_one_more_than_there_may_be_the_oldest_gives_way()
    {
        var token = await MakeAsync("ci");
        var oldest = await OpenAsync(token);
        _time.Advance(TimeSpan.FromSeconds(1));
        var second = await OpenAsync(token);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(Enumerable.Range(2, SessionStore.MaxSessions - 2).Select(_ => OpenAsync(token)));
        _rig.Sessions.Count.ShouldBe(SessionStore.MaxSessions);
        _rig.Sessions.Find(oldest).ShouldNotBeNull();
        var last = await OpenAsync(token);
        _rig.Sessions.Count.ShouldBe(SessionStore.MaxSessions);
        _rig.Sessions.Find(oldest).ShouldBeNull();
        await RestartAsync();
        _rig.Sessions.Count.ShouldBe(SessionStore.MaxSessions);
        foreach (var id in new[] { second, last })
            _rig.Sessions.Find(id).ShouldNotBeNull();
    }

    [Fact]
    public async Task Those_that_have_ended_are_removed_every_minute_and_at_the_next_sign_in()
    {
        var token = await MakeAsync("ci");
        await OpenAsync(await MakeAsync("short", lifetime: TimeSpan.FromSeconds(10)));
        _time.Advance(TimeSpan.FromSeconds(10));
        var kept = await OpenAsync(token);
        _rig.Sessions.Count.ShouldBe(1);
        await OpenAsync(await MakeAsync("gone"));
        await _rig.Tokens.RevokeAsync("gone", Alice, default);
        using var stop = new CancellationTokenSource();
        var sweeping = _rig.Sessions.RunAsync(stop.Token);
        _rig.Store.Refuse = _ => new JournalUnavailableException("disk full");
        await _rig.Sessions.SweepAsync(default);
        _rig.Sessions.Count.ShouldBe(2);
        _rig.Store.Refuse = _ => null;
        _time.Advance(SessionStore.SweepInterval);
        await Until.TrueAsync(() => _rig.Sessions.Count == 1);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => sweeping);
        (await _rig.Journal.Store.ListStateAsync("sessions", null, 10, default)).Count.ShouldBe(1);
        _rig.Sessions.Find(kept).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_use_of_it_is_a_use_of_its_token()
    {
        var id = await OpenAsync(await MakeAsync("ci"));
        _time.Advance(TimeSpan.FromHours(1));
        _rig.Sessions.Find(id);
        _rig.Tokens.Find("ci")!.LastUsedAt.ShouldBe(_time.GetUtcNow());
    }

    [Fact]
    public async Task Its_secret_and_the_tokens_stand_in_no_file_and_in_no_text()
    {
        var token = await MakeAsync("ci");
        var opened = await _rig.Sessions.OpenAsync(_rig.Access.Recognise(token)!, Alice, "its token", null, default);
        $"{opened}".ShouldNotContain(opened.Id);
        await _rig.DisposeAsync();
        foreach (var file in Directory.GetFiles(_folder.Path, "journal.db*"))
            foreach (var secret in new[] { opened.Id, token })
                (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Encoding.ASCII.GetBytes(secret)).ShouldBe(-1, file);
        _rig = new Rig(_folder.Path, _time);
    }

    private async Task<string> OpenAsync(string token, AccessSession? replaced = null) =>
        (await _rig.Sessions.OpenAsync(_rig.Access.Recognise(token)!, Alice, "its token", replaced, default)).Id;

    private async Task<string> MakeAsync(string name, Scope scopes = Scope.Read, TimeSpan? lifetime = null) =>
        (await _rig.Tokens.CreateAsync(name, scopes, lifetime, Alice, default)).Secret.ShouldNotBeNull();

    private async Task<IEnumerable<string>> TypesAsync() => (await _rig.Journal.Store.ReadAsync(0, 100, default)).Select(entry => ((SecurityEvent)entry.Entry).Type);

    private async Task RestartAsync(byte[]? admin = null)
    {
        await _rig.DisposeAsync();
        _rig = new Rig(_folder.Path, _time, admin);
        await _rig.Tokens.LoadAsync(default);
        await _rig.Sessions.LoadAsync(default);
    }

    private sealed class Rig : IAsyncDisposable
    {
        public Rig(string folder, FakeTimeProvider time, byte[]? admin = null)
        {
            Store = new TestStore(folder);
            Journal = new EventJournal(Store, 100_000, NullLogger<EventJournal>.Instance);
            Access = new AccessControl(admin ?? new byte[32], anonymousRead: false, time);
            var actions = new OwnActions(Journal, time);
            Tokens = new TokenStore(Journal, Access, actions, [], time);
            Sessions = new SessionStore(Journal, Access, actions, time);
        }

        public TestStore Store { get; }

        public EventJournal Journal { get; }

        public AccessControl Access { get; }

        public TokenStore Tokens { get; }

        public SessionStore Sessions { get; }

        public async ValueTask DisposeAsync()
        {
            Tokens.Dispose();
            Sessions.Dispose();
            await Journal.DisposeAsync();
        }
    }
}
