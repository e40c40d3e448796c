using System.Buffers.Binary;
using System.Net;

namespace Tocsin.Access;

/// <summary>
/// Counts wrong tokens by remote address (IPv4 whole, IPv6 by /64: a home has one) in windows of a minute, says when an address has had its share,
/// and reports them: at once when the first one comes, then at most once a minute for as long as more follow.
/// <para>
/// Right tokens are never refused for the wrong ones beside them. That gives a guesser nothing: a token has 256 random bits, and an admin token
/// of one's own 24 characters or more. It keeps those who share an address with a guesser, behind a proxy for instance, from being locked out.
/// </para>
/// Thread-safe; only callers with a wrong token come here.
/// </summary>
public sealed class GuessThrottle(TimeProvider time, Action<FailedSignIns> report)
{
    /// <summary>Wrong tokens of one address that are answered as such within one window; more are told to wait.</summary>
    public const int MaxGuesses = 10;

    /// <summary>Addresses that are remembered; beyond them the one whose window began first is forgotten.</summary>
    public const int MaxAddresses = 10_000;

    /// <summary>Reports in a window, of all addresses together: the journal must not grow as fast as somebody can change addresses.</summary>
    public const int MaxReports = 1_000;

    /// <summary>How long a window is.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, LinkedListNode<Guesser>> _guessers = [];

    // By the begin of their windows.
    private readonly LinkedList<Guesser> _byAge = new();
    private long _reportsSince = time.GetTimestamp();
    private int _reports;

    /// <summary>Addresses that are remembered now.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _guessers.Count;
        }
    }

    /// <summary>Counts one wrong token. Null: tell the caller that it is wrong; else: tell them to come again after this time.</summary>
    public TimeSpan? Guessed(IPAddress? address)
    {
        FailedSignIns? failed = null;
        TimeSpan? wait = null;
        lock (_gate)
        {
            var guesser = Find(KeyOf(address)) is { } known ? known : Add(KeyOf(address));
            guesser.Address = address;
            guesser.Total++;
            if (++guesser.InWindow > MaxGuesses)
                wait = Window - time.GetElapsedTime(guesser.Start);
            guesser.Unreported++;
            if (!guesser.Reported)
                failed = Take(guesser);
        }
        if (failed is not null)
            report(failed);
        return wait;
    }

    /// <summary>Reports what came after the last report, every minute and at the end.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Window, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                Sweep(all: false);
        }
        finally
        {
            Sweep(all: true);
        }
    }

    /// <summary>Ends the windows that are over: what was not reported is, and who has been quiet is forgotten.</summary>
    internal void Sweep(bool all)
    {
        var failed = new List<FailedSignIns>();
        lock (_gate)
        {
            // No more often than there are: who is reported begins a new window, at the end of the list.
            for (var left = _byAge.Count; left > 0 && _byAge.First is { } oldest && (all || IsOver(oldest.Value)); left--)
            {
                var guesser = oldest.Value;
                if (guesser.Unreported == 0)
                {
                    Forget(oldest);
                    continue;
                }
                Restart(oldest);
                if (Take(guesser) is { } taken)
                    failed.Add(taken);
            }
        }
        failed.ForEach(report);
    }

    private Guesser? Find(UInt128 key)
    {
        if (!_guessers.TryGetValue(key, out var node))
            return null;
        if (IsOver(node.Value))
            Restart(node);
        return node.Value;
    }

    private Guesser Add(UInt128 key)
    {
        if (_guessers.Count == MaxAddresses)
            Forget(_byAge.First!);
        var guesser = new Guesser(key, time.GetUtcNow()) { Start = time.GetTimestamp() };
        _guessers.Add(key, _byAge.AddLast(guesser));
        return guesser;
    }

    private void Restart(LinkedListNode<Guesser> node)
    {
        (node.Value.Start, node.Value.InWindow, node.Value.Reported) = (time.GetTimestamp(), 0, false);
        _byAge.Remove(node);
        _byAge.AddLast(node);
    }

    private void Forget(LinkedListNode<Guesser> node)
    {
        _byAge.Remove(node);
        _guessers.Remove(node.Value.Key);
    }

    private bool IsOver(Guesser guesser) => time.GetElapsedTime(guesser.Start) >= Window;

    /// <summary>What is to be reported of an address; null when there were too many reports of late: then it waits for its next window.</summary>
    private FailedSignIns? Take(Guesser guesser)
    {
        guesser.Reported = true;
        if (time.GetElapsedTime(_reportsSince) >= Window)
            (_reportsSince, _reports) = (time.GetTimestamp(), 0);
        if (++_reports > MaxReports)
            return null;
        guesser.Unreported = 0;
        return new FailedSignIns(guesser.Address, guesser.Total, guesser.Since);
    }

    private static UInt128 KeyOf(IPAddress? address)
    {
        if (address is null)
            return default;
        Span<byte> bytes = stackalloc byte[16];
        (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? address.MapToIPv6() : address).TryWriteBytes(bytes, out _);
        var key = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6 ? key : key >> 64 << 64;
    }

    private sealed class Guesser(UInt128 key, DateTimeOffset since)
    {
        public UInt128 Key { get; } = key;

        public DateTimeOffset Since { get; } = since;

        /// <summary>The last one that was used, of those that count as one.</summary>
        public IPAddress? Address { get; set; }

        public long Start { get; set; }

        public int InWindow { get; set; }

        public long Total { get; set; }

        public long Unreported { get; set; }

        public bool Reported { get; set; }
    }
}

/// <summary>Wrong tokens of one address: how many since when, up to now.</summary>
public sealed record FailedSignIns(IPAddress? Address, long Attempts, DateTimeOffset Since);
