using System.Text;

namespace Tocsin.Benchmarks.Load;

/// <summary>
/// Requests of NDJSON made beforehand, one for each stretch of the samples. To send the next one costs a copy and, for each event, its time and
/// external id written in place.
/// </summary>
internal sealed class BatchRequests
{
    private readonly Prepared[] _prepared;
    private readonly int _batch;

    /// <summary>Makes them all, for all samples.</summary>
    /// <param name="target">Whom they go to.</param>
    /// <param name="samples">What they say.</param>
    /// <param name="batch">Events a request; must divide the number of samples.</param>
    /// <param name="keyed">Each event has an external id of its own.</param>
    public BatchRequests(Target target, Samples samples, int batch, bool keyed)
    {
        if (Samples.Count % batch != 0)
            throw new ArgumentException($"--batch must divide {Samples.Count}");
        _batch = batch;
        _prepared = [.. Enumerable.Range(0, Samples.Count / batch).Select(b => Prepare(target, samples, b * batch, batch, keyed))];
        BytesAnEvent = _prepared.Sum(p => (long)p.Bytes.Length) / Samples.Count;
        LargestRequest = _prepared.Max(p => p.Bytes.Length);
    }

    public long BytesAnEvent { get; }

    public int LargestRequest { get; }

    /// <summary>Writes the request of the events from <paramref name="first"/> on, a multiple of the batch; returns its length.</summary>
    public int Write(Span<byte> buffer, long first, TimePatch times)
    {
        var prepared = _prepared[first / _batch % _prepared.Length];
        prepared.Bytes.CopyTo(buffer);
        for (var i = 0; i < _batch; i++)
        {
            times.Write(buffer[prepared.TimeAt[i]..], first + i);
            if (prepared.IdAt.Length > 0)
                TimePatch.Digits(buffer.Slice(prepared.IdAt[i], Sample.ExternalIdLength - 1), first + i);
        }
        return prepared.Bytes.Length;
    }

    private static Prepared Prepare(Target target, Samples samples, int first, int batch, bool keyed)
    {
        var lines = Enumerable.Range(first, batch).Select(n => Encoding.UTF8.GetBytes(samples[n].ToJson(keyed) + "\n")).ToArray();
        byte[] body = [.. lines.SelectMany(line => line)];
        var request = target.Post("/events", "application/x-ndjson", body);
        var at = request.Length - body.Length;
        int[] timeAt = new int[batch], idAt = new int[keyed ? batch : 0];
        for (var i = 0; i < batch; at += lines[i++].Length)
        {
            timeAt[i] = at + Behind(lines[i], "\"time\":\""u8);
            if (keyed)
                idAt[i] = at + Behind(lines[i], "\"external_id\":\"e"u8);
        }
        return new Prepared(request, timeAt, idAt);
    }

    private static int Behind(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name) => line.IndexOf(name) + name.Length;

    private sealed record Prepared(byte[] Bytes, int[] TimeAt, int[] IdAt);
}
