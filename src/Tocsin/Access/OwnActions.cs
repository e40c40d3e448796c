using System.Buffers;
using System.Net;
using System.Text.Json;
using Tocsin.Journal;

namespace Tocsin.Access;

/// <summary>The types of Tocsin's own actions.</summary>
public static class OwnActionType
{
    public const string TokenCreated = "tocsin.token.created";
    public const string TokenRevoked = "tocsin.token.revoked";
    public const string ConfigChanged = "tocsin.config.changed";
    public const string SourceChanged = "tocsin.source.changed";
    public const string IdentityAssigned = "tocsin.identity.assigned";
    public const string Export = "tocsin.export";
    public const string SignedIn = "tocsin.sign_in.succeeded";
    public const string SignInFailed = "tocsin.sign_in.failed";
    public const string SignedOut = "tocsin.sign_out";
}

/// <summary>Who did something: the name of their token, and from which address (canonical text; null when unknown).</summary>
public sealed record Actor(string Name, string? Address)
{
    public static Actor At(string name, IPAddress? address) => new(name, TextOf(address));

    internal static string? TextOf(IPAddress? address) => address is null ? null : Enrich.Address.Normalise(address.ToString());
}

/// <summary>
/// What is done to Tocsin itself becomes events: kind audit, source <c>tocsin</c>, user the name of the token that did it. An action that
/// changes state puts its <see cref="Event"/> into the same append; others are recorded before they are done. Either way an action that cannot
/// be recorded is not done.
/// </summary>
public sealed class OwnActions(EventJournal journal, TimeProvider time)
{
    /// <summary>An action as an event, for the append that does it. <paramref name="data"/> writes the members of <see cref="SecurityEvent.Data"/>.</summary>
    public SecurityEvent Event(string type, Actor actor, string description, Action<Utf8JsonWriter>? data = null)
    {
        var now = time.GetUtcNow();
        return new SecurityEvent
        {
            Id = EventId.Create(now),
            Kind = EventKind.Audit,
            Type = type,
            Source = EventFilter.OwnSource,
            Time = EventTime.From(now, 3),
            ReceivedAt = now,
            UserId = actor.Name,
            Attribution = Attribution.FromRecord,
            Description = description,
            SrcIp = actor.Address,
            Data = Data(data),
        };
    }

    /// <summary>Completes when the action's record is durable. Throws <see cref="JournalUnavailableException"/> when it cannot be kept now: do not act then.</summary>
    public Task RecordAsync(string type, Actor actor, string description, Action<Utf8JsonWriter>? data, CancellationToken cancellation) =>
        journal.AppendAsync(new Append { Entries = [Event(type, actor, description, data)] }, cancellation);

    /// <summary>
    /// Records wrong tokens. Never waits and never fails: a store that is full or gone must not change how a wrong token is refused. The record is lost then.
    /// </summary>
    public void Record(FailedSignIns failed)
    {
        var attempts = failed.Attempts == 1 ? "A token that is not known was presented" : $"Tokens that are not known were presented {failed.Attempts} times";
        var record = Event(OwnActionType.SignInFailed, Actor.At("", failed.Address), $"{attempts}.", data =>
        {
            data.WriteNumber("attempts"u8, failed.Attempts);
            data.WriteString("since"u8, EventTime.From(failed.Since, 3).ToString());
        });
        // Nobody is known by the token: nobody did it.
        if (journal.TryAppend(new Append { Entries = [record with { UserId = null, Attribution = Attribution.Nobody }] }, out var done))
            _ = done.ContinueWith(static failed => failed.Exception, TaskContinuationOptions.OnlyOnFaulted); // The journal has logged why; there is nobody to tell.
    }

    private static RawRecord Data(Action<Utf8JsonWriter>? write)
    {
        if (write is null)
            return RawRecord.None;
        var bytes = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        return new RawRecord(bytes.WrittenMemory);
    }
}
