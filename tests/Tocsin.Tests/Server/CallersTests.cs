using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Journal;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class CallersTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly EventJournal _journal;
    private readonly SessionStore _sessions;
    private readonly Callers _callers;

    public CallersTests()
    {
        var time = new FakeTimeProvider();
        var hash = new byte[32];
        AccessControl.Hash(RunningServer.Token, hash);
        var access = new AccessControl(hash, anonymousRead: true, time);
        _journal = new EventJournal(new TestStore(_folder.Path), 100, NullLogger<EventJournal>.Instance);
        _sessions = new SessionStore(_journal, access, new OwnActions(_journal, time), time);
        _callers = new Callers(access, _sessions, ["tocsin.example"]);
    }

    public async ValueTask DisposeAsync()
    {
        _sessions.Dispose();
        await _journal.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A page on the internet may have its own name lead to this machine: reading that is open is open under our own names.</summary>
    [Theory]
    [InlineData("127.0.0.1:9000", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("[::1]:9000", true)]
    [InlineData("localhost:9000", true)]
    [InlineData("Tocsin.example:9000", true)]
    [InlineData("", true)]
    [InlineData("evil.example:9000", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("[::1].evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    public void Reading_is_open_under_our_own_names_alone(string host, bool mayRead)
    {
        var request = new DefaultHttpContext { Request = { Headers = { Host = host } } }.Request;
        _callers.Of(request)!.May(Scope.Read).ShouldBe(mayRead);
        _callers.IsForeignHost(request).ShouldBe(!mayRead);
        request.Headers.Authorization = "";
        _callers.Of(request)!.May(Scope.Read).ShouldBe(mayRead);
        request.Headers.Authorization = "Bearer " + RunningServer.Token;
        _callers.Of(request)!.May(Scope.Admin).ShouldBeTrue();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer " + RunningServer.Token)]
    public void A_request_without_a_cookie_allocates_nothing(string? authorization)
    {
        var request = new DefaultHttpContext().Request;
        if (authorization is not null)
            request.Headers.Authorization = authorization;
        request.Headers.Host = "tocsin.example:9000";
        for (var i = 0; i < 100; i++)
            _callers.Of(request).ShouldNotBeNull();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            _callers.Of(request);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }
}
