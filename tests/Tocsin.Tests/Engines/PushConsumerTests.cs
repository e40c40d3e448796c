using System.Diagnostics.Metrics;
using System.Threading.Channels;
using RabbitMQ.Client;
using Tocsin.Engines.RabbitMq;
using Tocsin.Journal;

namespace Tocsin.Tests.Engines;

/// <summary>What the broker gives, on its way to be committed.</summary>
public sealed class PushConsumerTests
{
    [Fact]
    public async Task Nothing_is_taken_behind_a_request_that_was_lost_on_its_way()
    {
        using var meter = new Meter("test");
        var deliveries = Channel.CreateUnbounded<Delivery>();
        var consumer = new PushConsumer(null!, "ours", deliveries.Writer, new RabbitMetrics(meter), () => Task.CompletedTask);
        await consumer.HandleBasicDeliverAsync("c", 1, false, "", "", new BasicProperties { MessageId = "n/1" }, "nonsense"u8.ToArray());
        // Not for a reason of the message's own.
        await consumer.HandleBasicDeliverAsync("c", 2, false, "", "", null!, "nonsense"u8.ToArray());
        await consumer.HandleBasicDeliverAsync("c", 3, false, "", "", new BasicProperties { MessageId = "n/3" }, "nonsense"u8.ToArray());

        deliveries.Reader.TryRead(out var first).ShouldBeTrue();
        (first!.Tag, first.Id).ShouldBe((1UL, "n/1"));
        first.Defect!.ShouldContain("no request of Tocsin's");
        deliveries.Reader.TryRead(out _).ShouldBeFalse("what is acknowledged behind the second would acknowledge it as well");
        await Should.ThrowAsync<DeliveryLostException>(() => deliveries.Reader.WaitToReadAsync().AsTask());
    }

    [Fact]
    public async Task A_request_for_another_journal_is_not_stored_in_this_one()
    {
        using var meter = new Meter("test");
        using var message = new MessageWriter();
        PushMessage.Write(message, new Pushed("s", [Some.Event()], null), respondAsync: false);
        var deliveries = Channel.CreateUnbounded<Delivery>();
        var consumer = new PushConsumer(null!, "ours", deliveries.Writer, new RabbitMetrics(meter), () => Task.CompletedTask);
        foreach (var journal in new[] { "ours", null, "theirs" })
            await consumer.HandleBasicDeliverAsync("c", 1, false, "", "", new BasicProperties { MessageId = "n/1", AppId = journal }, message.Written);

        var defects = new List<string?>();
        while (deliveries.Reader.TryRead(out var delivery))
            defects.Add(delivery.Defect);
        defects.Count.ShouldBe(3);
        defects.Take(2).ShouldAllBe(defect => defect == null);
        defects[2]!.ShouldContain("another journal, theirs");
    }
}
