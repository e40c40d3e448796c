using System.Security.Cryptography;
using System.Text;
using Tocsin.Access;

namespace Tocsin.Tests.Access;

public sealed class AccessControlTests
{
    private const string Token = "tocsin_Zm9yIHRlc3RzIG9ubHksIG5vdGhpbmcgZWxzZQ";

    [Theory]
    [InlineData("Bearer " + Token)]
    [InlineData("bearer " + Token)]
    [InlineData("BEARER   " + Token)]
    [InlineData(Token)]
    [InlineData("  Bearer " + Token + "  ")]
    [InlineData("\t" + Token + " ")]
    public void The_token_is_known_bare_or_as_bearer(string header) => Control().Authenticate(header).ShouldNotBeNull().May(Scope.Admin).ShouldBeTrue();

    [Theory]
    [InlineData(" ")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer x")]
    [InlineData("Bearer" + Token)]
    [InlineData("Basic " + Token)]
    [InlineData("Bearer Bearer " + Token)]
    [InlineData("Bearer " + Token + ",Bearer " + Token)]
    [InlineData("Bearer " + Token + "x")]
    [InlineData("Bearer TOCSIN_Zm9yIHRlc3RzIG9ubHksIG5vdGhpbmcgZWxzZQ")]
    [InlineData("\0")]
    public void Anything_else_is_nobody_even_where_reading_is_open(string header)
    {
        Control().Authenticate(header).ShouldBeNull();
        Control(anonymousRead: true).Authenticate(header).ShouldBeNull();
    }

    [Fact]
    public void A_token_too_long_is_wrong_and_harmless()
    {
        Control().Authenticate("Bearer " + new string('x', 513)).ShouldBeNull();
        Control().Authenticate(new string('x', 10_000_000)).ShouldBeNull();
        Control().Authenticate("Bearer " + new string('\uFFFF', 512)).ShouldBeNull();
        Control().Authenticate("Bearer " + new string('\uD800', 512)).ShouldBeNull();
        var longest = new string('y', 512);
        Control(longest).Authenticate("Bearer " + longest).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_token_one_may_read_only_where_the_configuration_opens_it(string? header)
    {
        Control().Authenticate(header).ShouldNotBeNull().Scopes.ShouldBe(Scope.None);
        var open = Control(anonymousRead: true).Authenticate(header).ShouldNotBeNull();
        open.May(Scope.Read).ShouldBeTrue();
        foreach (var scope in new[] { Scope.Ingest, Scope.Operate, Scope.Metrics, Scope.Tokens, Scope.Admin, Scope.Read | Scope.Operate })
            open.May(scope).ShouldBeFalse();
    }

    [Fact]
    public void Callers_may_come_from_every_thread_at_once()
    {
        var control = Control();
        Parallel.For(0, 2000, i => (control.Authenticate(i % 2 == 0 ? Token : "wrong") is not null).ShouldBe(i % 2 == 0));
    }

    private static AccessControl Control(string token = Token, bool anonymousRead = false) => new(SHA256.HashData(Encoding.UTF8.GetBytes(token)), anonymousRead, new FakeTimeProvider());
}
