using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using Tocsin.Enrich.Geo;
using Tocsin.Journal;

namespace Tocsin.Collect.Push;

/// <summary>
/// Reads a pushed body: one object, an array of them, or one a line. Straight from its bytes, in one pass; nothing of them is kept but what the events
/// hold. Bad input gives rejects or a refusal, never an exception. Thread-safe.
/// </summary>
public sealed class PushReader
{
    private readonly ContentHash _content;
    private readonly DedupeKey _dedupe;
    private readonly Func<string, bool> _isReserved;
    private readonly Countries _countries;
    private readonly bool _keyed;

    [ThreadStatic]
    private static Scratch? _scratch;

    /// <summary>
    /// A reader for a journal's events. <paramref name="isReserved"/>: whether a source's name may not be pushed under. <paramref name="keyed"/>: events that nobody
    /// gave an identity get an id by which the journal knows them again all the same.
    /// </summary>
    public PushReader(JournalInfo journal, Func<string, bool> isReserved, Countries countries, bool keyed = false) =>
        (_content, _dedupe, _isReserved, _countries, _keyed) = (new ContentHash(journal.DedupeKey), new DedupeKey(journal), isReserved, countries, keyed);

    /// <summary>Reads a whole body of at most <see cref="PushLimits.MaxBodyBytes"/>.</summary>
    public PushBatch Read(ReadOnlySpan<byte> body, PushCall call)
    {
        var reading = new Reading(this, _scratch ??= new Scratch(), call);
        if (call.IsLines)
            reading.Lines(body);
        else
            reading.Text(body);
        reading.Seal();
        return reading.Batch;
    }

    /// <summary>What a thread uses again and again.</summary>
    private sealed class Scratch
    {
        private const int RandomIds = 128;
        private readonly byte[] _random = new byte[EventId.RandomBytes * RandomIds];
        private int _used = EventId.RandomBytes * RandomIds;

        public Scratch()
        {
            Members = new EventMembers(Errors);
            Builder = new EventBuilder(Members, Errors);
        }

        public NameStack Names { get; } = new();

        public PushErrors Errors { get; } = new();

        public EventMembers Members { get; }

        public EventBuilder Builder { get; }

        /// <summary>Randomness for one id: the system is asked for many at once.</summary>
        public ReadOnlySpan<byte> Random()
        {
            if (_used == _random.Length)
            {
                RandomNumberGenerator.Fill(_random);
                _used = 0;
            }
            _used += EventId.RandomBytes;
            return _random.AsSpan(_used - EventId.RandomBytes, EventId.RandomBytes);
        }
    }

    /// <summary>One body while it is read.</summary>
    private ref struct Reading(PushReader reader, Scratch scratch, PushCall call)
    {
        private readonly PushReader _reader = reader;
        private readonly Scratch _scratch = scratch;
        private readonly PushCall _call = call;
        private int _plain;
        private ulong _request;

        public readonly PushBatch Batch { get; } = new();

        /// <summary>One object, or an array. A defect anywhere spoils the whole.</summary>
        public void Text(ReadOnlySpan<byte> body)
        {
            try
            {
                if (!Utf8.IsValid(body))
                    throw new DefectException(DefectException.InvalidUtf8, "the body is not valid UTF-8");
                var json = new StrictJson(body, _scratch.Names);
                json.Read();
                Batch.IsBatch = json.Token == JsonTokenType.StartArray;
                if (Batch.IsBatch)
                    Items(ref json);
                else
                    Event(ref json, null);
                json.Read();
            }
            catch (Exception error) when (error is DefectException or JsonException)
            {
                Refuse(error, Batch.IsBatch ? Batch.Count : null);
            }
        }

        /// <summary>One event a line; blank lines do not count. A defect spoils its line alone.</summary>
        public void Lines(ReadOnlySpan<byte> body)
        {
            Batch.IsBatch = true;
            var valid = Utf8.IsValid(body);
            while (!body.IsEmpty)
            {
                var end = body.IndexOf((byte)'\n');
                var line = (end < 0 ? body : body[..end]).Trim(" \t\r"u8);
                body = end < 0 ? default : body[(end + 1)..];
                if (line.IsEmpty)
                    continue;
                if (IsFull())
                    return;
                Line(line, valid || Utf8.IsValid(line));
            }
        }

        /// <summary>Covers the whole request by the fingerprints of what only its Idempotency-Key names.</summary>
        public readonly void Seal()
        {
            Batch.Refusal ??= RefusalOfAll();
            if (Batch.Refusal is not null)
            {
                Batch.Events.Clear();
                return;
            }
            if (_call.IdempotencyKey is not { } key)
                return;
            Batch.Key = new PushKey(_reader._dedupe.OfRequest(_call.Sender, key, 0), Kept(_request), IsHeld: _plain > 0);
            for (var i = 0; i < Batch.Events.Count; i++)
                if (Batch.Events[i] is SecurityEvent { ExternalId: null } e)
                    Batch.Events[i] = e with { Fingerprint = Kept(_reader._content.Pair((ulong)e.Fingerprint, _request)) };
        }

        private void Items(ref StrictJson json)
        {
            json.BaseDepth = 1;
            while (json.Read() && json.Token != JsonTokenType.EndArray)
            {
                if (IsFull())
                    throw new DefectException(DefectException.TooLarge, TooMany);
                Event(ref json, Batch.Count);
            }
        }

        private void Line(ReadOnlySpan<byte> line, bool isUtf8)
        {
            var index = Batch.Count;
            try
            {
                if (line.Length > PushLimits.MaxEventBytes)
                    throw TooLong();
                if (!isUtf8)
                    throw new DefectException(DefectException.InvalidUtf8, "the line is not valid UTF-8");
                var json = new StrictJson(line, _scratch.Names);
                json.Read();
                Event(ref json, index, endsText: true);
            }
            catch (Exception error) when (error is DefectException or JsonException)
            {
                var (code, detail) = Said(error);
                Reject(index, [new PushError(PushErrors.Pointer(index), code, detail)], line);
            }
        }

        /// <summary>Reads the value that begins at the token, an event or not.</summary>
        private void Event(ref StrictJson json, int? index, bool endsText = false)
        {
            var (errors, start) = (_scratch.Errors, json.Start);
            errors.Begin(index);
            var isObject = json.Token == JsonTokenType.StartObject;
            if (isObject)
                _scratch.Members.Read(ref json, _reader._content);
            else
                json.Skip();
            var end = json.End;
            if (end - start > PushLimits.MaxEventBytes)
                throw TooLong();
            if (endsText)
                json.Read();
            if (!isObject)
                errors.Add("invalid", "expected an object with a type");
            if (isObject && _scratch.Builder.TryRead(json.Text, _call, _reader._isReserved))
                Accept(index ?? 0, json.Text);
            else
                Reject(index ?? 0, errors.Take(), json.Text[start..end]);
        }

        private void Accept(int index, ReadOnlySpan<byte> text)
        {
            var (builder, fingerprint) = (_scratch.Builder, 0L);
            if (builder.ExternalId is not null || _call.IdempotencyKey is not null)
            {
                var content = _reader.Content(_scratch.Members, text, builder.Data);
                _request = _reader._content.Pair(_request, content);
                fingerprint = Kept(content);
            }
            Batch.Events.Add(builder.Event(NextId(), fingerprint, _call.ReceivedAt, _reader._countries));
            Batch.Indexes.Add(index);
            builder.Forget();
        }

        private EventId NextId() => _scratch.Builder.ExternalId is { } externalId ? _reader._dedupe.OfExternalId(_scratch.Builder.Source, externalId)
            : _call.IdempotencyKey is { } key ? _reader._dedupe.OfRequest(_call.Sender, key, _plain++)
            : _reader._keyed ? EventId.CreateKeyed(_call.ReceivedAt, _scratch.Random())
            : EventId.Create(_call.ReceivedAt, _scratch.Random());

        private void Reject(int index, IReadOnlyList<PushError> errors, ReadOnlySpan<byte> text)
        {
            if (_call.IdempotencyKey is not null)
                _request = _reader._content.Pair(_request, _reader._content.OfBytes(text));
            Batch.Rejects.Add(new PushReject(index, errors));
        }

        private readonly PushRefusal? RefusalOfAll() => Batch.Events.Count > 0 ? null
            : Batch.Count == 0 ? new PushRefusal(PushRefusalKind.Invalid, "empty_batch", "The batch holds no event: expected one or more.", [])
            : PushRefusal.Of(Batch);

        private readonly bool IsFull()
        {
            if (Batch.Count < PushLimits.MaxEvents)
                return false;
            Batch.Refusal = new PushRefusal(PushRefusalKind.TooLarge, DefectException.TooLarge, TooMany, []);
            return true;
        }

        private readonly void Refuse(Exception error, int? index)
        {
            var (code, detail) = Said(error);
            Batch.Refusal = new PushRefusal(error is DefectException { IsLimit: true } ? PushRefusalKind.TooLarge : PushRefusalKind.Malformed, code,
                $"The body cannot be taken: {detail}.", [new PushError(PushErrors.Pointer(index), code, detail)]);
        }

        private static string TooMany => $"a request may hold {PushLimits.MaxEvents} events, this holds more";

        private static DefectException TooLong() => new(DefectException.TooLarge, $"an event may have {PushLimits.MaxEventBytes >> 20} MiB, this has more");

        private static (string Code, string Detail) Said(Exception error) => error switch
        {
            DefectException defect => (defect.Code, defect.Message),
            JsonException json => (DefectException.InvalidJson, $"the text is not JSON at line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}"),
            _ => (DefectException.InvalidJson, "the text is not JSON"),
        };
    }

    /// <summary>The content as it was given, by the fields' own names: before defaults, before anything is understood.</summary>
    private ulong Content(EventMembers members, ReadOnlySpan<byte> text, RawRecord data)
    {
        ulong sum = 0;
        for (var field = PushField.Type; field < PushField.Data; field++)
            if (members.TryGet(field, out var member))
                sum += _content.Pair((ulong)field, _content.OfValue(member.Value(text)));
        if (!data.IsEmpty)
            sum += _content.Pair((ulong)PushField.Data, _content.OfValue(data.Utf8.Span));
        return _content.Pair(sum, PushFields.Count);
    }

    /// <summary>0 says that there is no fingerprint.</summary>
    private static long Kept(ulong hash) => hash == 0 ? 1 : (long)hash;
}
