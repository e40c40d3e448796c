using Tocsin.Engines.RabbitMq;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>Requests as messages: what goes in comes out, and what is no request is said to be none.</summary>
public sealed class PushMessageTests
{
    private static readonly PushKey Key = new(EventId.FromKey(new byte[32]), -77, IsHeld: true);

    private static readonly SecurityEvent Full = Some.Event(kind: EventKind.Alert, data: """{"n":12345678901234567890,"t":"日本"}""") with
    {
        ExternalId = "x-ü", Device = "fw", Description = "", SrcIp = "10.0.0.1", DstIp = "2001:db8::1", Country = "AU", Fingerprint = long.MinValue,
        Attribution = Attribution.FromRecord, ReceivedAt = Some.Instant.AddTicks(7),
    };

    [Fact]
    public void Every_field_comes_back_as_it_was()
    {
        var bare = Some.Event(userId: null, priority: Priority.None, kind: EventKind.Audit) with { Data = RawRecord.None, Time = EventTime.Min };
        foreach (var key in new[] { null, Key, Key with { IsHeld = false } })
            foreach (var respondAsync in new[] { true, false })
            {
                var (read, async) = PushMessage.Read(Written(new Pushed("sender", [Full, bare], key), respondAsync), new StringCache());
                async.ShouldBe(respondAsync);
                read.Sender.ShouldBe("sender");
                read.Key.ShouldBe(key);
                Same((SecurityEvent)read.Events[0], Full);
                Same((SecurityEvent)read.Events[1], bare);
            }
    }

    [Fact]
    public void An_attribution_keeps_where_it_was_looked_up()
    {
        var e = Full with { Attribution = new Attribution(AttributionRule.Identity, "elevate", "10.0.0.1") };
        ((SecurityEvent)PushMessage.Read(Written(new Pushed("s", [e], null), false), new StringCache()).Pushed.Events[0]).Attribution.ShouldBe(e.Attribution);
    }

    [Fact]
    public void The_first_form_is_read_for_ever()
    {
        // Messages wait in a broker while the service is replaced: these bytes were written by the first version that had a broker.
        const string First = "0103027300000000000080008000000000000000b3ffffffffffffff010000000100007000800000000000000100030d690c4dfbe13900bc0580ad4444f161d9080000000000000000000a"
            + "696e74727573696f6e08656c65766174650005343530360000000000027b7d";
        var pushed = new Pushed("s", [Some.Event(data: "{}")], Key);
        var bytes = Convert.ToHexStringLower(Written(pushed, respondAsync: false));
        (bytes == First).ShouldBeTrue(bytes);
        Same((SecurityEvent)PushMessage.Read(Convert.FromHexString(First), new StringCache()).Pushed.Events[0], (SecurityEvent)pushed.Events[0]);
    }

    [Fact]
    public void What_is_cut_or_garbled_or_of_another_form_is_said_to_be_no_request()
    {
        var good = Written(new Pushed("sender", [Full, Full], Key), true);
        for (var length = 0; length < good.Length; length++)
            Should.Throw<InvalidDataException>(() => PushMessage.Read(good.AsSpan(0, length), new StringCache()), $"{length} bytes");
        Should.Throw<InvalidDataException>(() => PushMessage.Read([.. good, 0], new StringCache())).Message.ShouldContain("behind");
        Should.Throw<InvalidDataException>(() => PushMessage.Read([2, .. good.AsSpan(1)], new StringCache())).Message.ShouldContain("form is 2");
        var random = new Random(1);
        for (var n = 0; n < 20_000; n++)
        {
            var bytes = good.ToArray();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                PushMessage.Read(bytes, new StringCache());
            }
            catch (InvalidDataException)
            {
                // Nothing else may come of it.
            }
        }
    }

    [Fact]
    public void A_request_at_the_doors_limits_fits()
    {
        var e = Full with { Data = new RawRecord(new byte[1_000]), Source = new string('s', 200) };
        var bytes = Written(new Pushed("sender", [.. Enumerable.Repeat(e, Append.MaxEntries)], null), false);
        bytes.Length.ShouldBeLessThan(16 << 20);
        PushMessage.Read(bytes, new StringCache()).Pushed.Events.Count.ShouldBe(Append.MaxEntries);
    }

    [Fact]
    public void What_a_commit_came_to_comes_back_as_it_was()
    {
        var result = new AppendResult(AppendStatus.Committed, [new(EntryStatus.Created, 1), new(EntryStatus.Changed, long.MaxValue)]);
        using var writer = new MessageWriter();
        ResultMessage.Write(writer, result);
        var read = ResultMessage.Read(writer.Written.Span);
        read.Status.ShouldBe(result.Status);
        read.Entries.ShouldBe(result.Entries);
        Should.Throw<InvalidDataException>(() => ResultMessage.Read([9]));
    }

    [Theory]
    [InlineData("amqp://u:p%40w@h:5/v%2Fw", "h:5", "u", "p@w", "v/w", false)]
    [InlineData("amqp://h", "h:5672", "guest", "guest", "/", false)]
    [InlineData("amqps://u:p@h,i:1,[::1]:2/", "h:5671, i:1, [::1]:2", "u", "p", "/", true)]
    public void A_url_names_nodes_who_calls_and_the_virtual_host(string text, string nodes, string user, string password, string virtualHost, bool tls)
    {
        BrokerUrl.TryParse(text, out var url).ShouldBeTrue();
        url.ToString().ShouldBe(nodes);
        (url.User, url.Password, url.VirtualHost, url.IsTls).ShouldBe((user, password, virtualHost, tls));
    }

    [Theory]
    [InlineData("")]
    [InlineData("http://h")]
    [InlineData("amqp://")]
    [InlineData("amqp://u:p@")]
    [InlineData("amqp://h,,i")]
    [InlineData("amqp://h:99999")]
    [InlineData("amqp://h/v?heartbeat=5")]
    public void Another_text_is_no_url(string text) => BrokerUrl.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData("3.10.8", true)]
    [InlineData("3.13.0-rc.1", true)]
    [InlineData("4.1.0+1.g5a2", true)]
    [InlineData("3.7.28", false)]
    public void A_version_is_old_before_quorum_queues(string text, bool isEnough) => (Broker.Parse(text) >= new Version(3, 8)).ShouldBe(isEnough);

    private static byte[] Written(Pushed pushed, bool respondAsync)
    {
        using var writer = new MessageWriter();
        PushMessage.Write(writer, pushed, respondAsync);
        return writer.Written.ToArray();
    }

    private static void Same(SecurityEvent read, SecurityEvent written)
    {
        read.Data.ToString().ShouldBe(written.Data.ToString());
        read.Data.IsEmpty.ShouldBe(written.Data.IsEmpty);
        (read with { Data = written.Data }).ShouldBe(written);
    }
}
