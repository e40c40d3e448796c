namespace Tocsin.Tests;

public sealed class FakeTimeProviderTests
{
    [Fact]
    public void Timers_fire_in_order_with_the_clock_at_their_own_moment()
    {
        var time = new FakeTimeProvider();
        var start = time.GetUtcNow();
        var fired = new List<string>();
        string At(string name) => $"{name}@{(time.GetUtcNow() - start).TotalSeconds}";
        using var every = time.CreateTimer(_ => fired.Add(At("every")), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        using var once = time.CreateTimer(_ => fired.Add(At("once")), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);

        time.Advance(TimeSpan.FromSeconds(5));

        fired.ShouldBe(["every@2", "once@3", "every@4"]);
        (time.GetUtcNow() - start).ShouldBe(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_delay_ends_when_the_clock_has_moved_past_it()
    {
        var time = new FakeTimeProvider();
        var delay = Task.Delay(TimeSpan.FromMinutes(1), time);
        await time.UntilTimerAsync(TimeSpan.FromMinutes(1));
        time.Advance(TimeSpan.FromSeconds(59));
        delay.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        await delay;
        time.TimerCount.ShouldBe(0);
    }

    [Fact]
    public void A_disposed_timer_does_not_fire()
    {
        var time = new FakeTimeProvider();
        var fired = 0;
        time.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)).Dispose();
        time.Advance(TimeSpan.FromSeconds(10));
        fired.ShouldBe(0);
    }

    [Fact]
    public void Elapsed_time_follows_the_clock()
    {
        var time = new FakeTimeProvider();
        var since = time.GetTimestamp();
        time.Advance(TimeSpan.FromMilliseconds(1500));
        time.GetElapsedTime(since).ShouldBe(TimeSpan.FromSeconds(1.5));
    }
}
