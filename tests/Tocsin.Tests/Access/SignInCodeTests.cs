using Tocsin.Access;

namespace Tocsin.Tests.Access;

public sealed class SignInCodeTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_code_works_once()
    {
        var code = new SignInCode(_time);
        code.TryUse(new string('A', 43)).ShouldBeFalse("none was made");
        var made = code.Make();
        made.Length.ShouldBe(43, "32 bytes");
        foreach (var wrong in new[] { "", made[1..], made + "A", made.ToUpperInvariant(), new string('x', 10_000) })
            code.TryUse(wrong).ShouldBeFalse();
        code.TryUse(made).ShouldBeTrue();
        code.TryUse(made).ShouldBeFalse();
    }

    [Fact]
    public void Of_many_who_use_it_at_once_one_does()
    {
        var code = new SignInCode(_time);
        var made = code.Make();
        var used = 0;
        Parallel.For(0, 100, _ => Interlocked.Add(ref used, code.TryUse(made) ? 1 : 0));
        used.ShouldBe(1);
    }

    [Fact]
    public void A_code_is_good_for_ten_minutes_and_until_there_is_another()
    {
        var code = new SignInCode(_time);
        var made = code.Make();
        _time.Advance(SignInCode.Lifetime);
        code.TryUse(made).ShouldBeFalse();
        made = code.Make();
        _time.Advance(SignInCode.Lifetime - TimeSpan.FromTicks(1));
        var next = code.Make();
        code.TryUse(made).ShouldBeFalse();
        code.TryUse(next).ShouldBeTrue();
    }
}
