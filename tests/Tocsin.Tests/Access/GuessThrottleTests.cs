using System.Net;
using Tocsin.Access;

namespace Tocsin.Tests.Access;

public sealed class GuessThrottleTests
{
    private static readonly IPAddress Home = IPAddress.Parse("192.0.2.1");
    private readonly FakeTimeProvider _time = new();
    private readonly List<FailedSignIns> _reports = [];
    private readonly GuessThrottle _throttle;

    public GuessThrottleTests() => _throttle = new GuessThrottle(_time, _reports.Add);

    [Fact]
    public void Ten_wrong_tokens_in_a_minute_are_told_so_and_more_are_told_to_wait_for_its_end()
    {
        for (var i = 0; i < 10; i++)
            _throttle.Guessed(Home).ShouldBeNull();
        _throttle.Guessed(Home).ShouldBe(TimeSpan.FromMinutes(1));
        _time.Advance(TimeSpan.FromSeconds(59.5));
        _throttle.Guessed(Home).ShouldBe(TimeSpan.FromSeconds(0.5));
        _time.Advance(TimeSpan.FromSeconds(0.5));
        for (var i = 0; i < 10; i++)
            _throttle.Guessed(Home).ShouldBeNull();
        _throttle.Guessed(Home).ShouldNotBeNull();
    }

    [Fact]
    public void Ten_a_minute_are_never_too_many()
    {
        for (var i = 0; i < 100; i++)
        {
            _throttle.Guessed(Home).ShouldBeNull();
            _time.Advance(TimeSpan.FromSeconds(6));
        }
    }

    [Theory]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("fe80::1%1", "fe80::2%2", true)]
    [InlineData(null, null, true)]
    [InlineData(null, "192.0.2.1", false)]
    public void Addresses_of_one_home_count_as_one(string? first, string? second, bool same)
    {
        for (var i = 0; i < 11; i++)
            _throttle.Guessed(Parse(first));
        _throttle.Guessed(Parse(second)).HasValue.ShouldBe(same);
    }

    [Fact]
    public void Only_so_many_addresses_are_remembered_and_the_oldest_goes_first()
    {
        for (var i = 0; i < 11; i++)
            _throttle.Guessed(Home);
        for (var i = 1; i < GuessThrottle.MaxAddresses; i++)
            _throttle.Guessed(Number(i));
        _throttle.Guessed(Home).ShouldNotBeNull("there is room for all");
        _throttle.Guessed(Number(GuessThrottle.MaxAddresses)).ShouldBeNull();
        _throttle.Count.ShouldBe(GuessThrottle.MaxAddresses);
        _throttle.Guessed(Home).ShouldBeNull("forgotten");
        _throttle.Count.ShouldBe(GuessThrottle.MaxAddresses);
        _time.Advance(TimeSpan.FromMinutes(1));
        _throttle.Sweep(all: false);
        _time.Advance(TimeSpan.FromMinutes(1));
        _throttle.Sweep(all: false);
        _reports.Count.ShouldBeLessThanOrEqualTo(3 * GuessThrottle.MaxReports);
    }

    [Fact]
    public void The_first_is_reported_at_once_and_the_others_a_minute_later_together()
    {
        var start = _time.GetUtcNow();
        for (var i = 0; i < 890; i++)
            _throttle.Guessed(Home);
        _reports.ShouldBe([new FailedSignIns(Home, 1, start)]);
        _throttle.Sweep(all: false);
        _reports.Count.ShouldBe(1);
        _time.Advance(TimeSpan.FromMinutes(1));
        _throttle.Sweep(all: false);
        _reports[1..].ShouldBe([new FailedSignIns(Home, 890, start)]);
        _throttle.Guessed(Home).ShouldBeNull();
        _reports.Count.ShouldBe(2, "one a minute");
        _time.Advance(TimeSpan.FromMinutes(1));
        _throttle.Sweep(all: false);
        _reports[2..].ShouldBe([new FailedSignIns(Home, 891, start)]);
        _time.Advance(TimeSpan.FromMinutes(1));
        _throttle.Sweep(all: false);
        (_throttle.Count, _reports.Count).ShouldBe((0, 3), "who has been quiet is forgotten");
    }

    [Fact]
    public async Task The_sweep_runs_every_minute_and_at_the_end()
    {
        using var stop = new CancellationTokenSource();
        var running = _throttle.RunAsync(stop.Token);
        _throttle.Guessed(Home);
        _throttle.Guessed(Home);
        _time.Advance(TimeSpan.FromMinutes(1));
        await Until.TrueAsync(() => _reports.Count == 2);
        _throttle.Guessed(Home);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => running);
        _reports.Select(report => report.Attempts).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void A_flood_of_addresses_makes_no_flood_of_reports()
    {
        for (var i = 0; i < 5_000; i++)
            _throttle.Guessed(Number(i));
        _reports.Count.ShouldBe(GuessThrottle.MaxReports);
        _time.Advance(TimeSpan.FromMinutes(1));
        _throttle.Guessed(Number(4_999));
        _reports.Count.ShouldBe(GuessThrottle.MaxReports + 1);
        _reports[^1].Attempts.ShouldBe(2);
    }

    [Fact]
    public void Guessers_may_come_from_every_thread_at_once()
    {
        var waits = 0;
        Parallel.For(0, 10_000, i =>
        {
            if (_throttle.Guessed(i % 2 == 0 ? Home : Number(i)) is not null)
                Interlocked.Increment(ref waits);
        });
        waits.ShouldBe(5_000 - GuessThrottle.MaxGuesses);
    }

    private static IPAddress Number(int number) => new([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]);

    private static IPAddress? Parse(string? address) => address is null ? null : IPAddress.Parse(address);
}
