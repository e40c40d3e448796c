using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Journal;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class CallersTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("Bearer " + RunningServer.Token)]
    public async Task A_request_without_a_cookie_allocates_nothing(string? authorization)
    {
        using var folder = new TempFolder();
        var time = new FakeTimeProvider();
        var hash = new byte[32];
        AccessControl.Hash(RunningServer.Token, hash);
        var access = new AccessControl(hash, anonymousRead: true, time);
        await using var journal = new EventJournal(new TestStore(folder.Path), 100, NullLogger<EventJournal>.Instance);
        using var sessions = new SessionStore(journal, access, new OwnActions(journal, time), time);
        var callers = new Callers(access, sessions);
        var request = new DefaultHttpContext().Request;
        if (authorization is not null)
            request.Headers.Authorization = authorization;
        for (var i = 0; i < 100; i++)
            callers.Of(request).ShouldNotBeNull();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
            callers.Of(request);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }
}
