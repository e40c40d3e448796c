using System.Diagnostics;
using System.Net;
using Tocsin.Enrich;
using Tocsin.Enrich.Geo;

namespace Tocsin.Benchmarks;

/// <summary>Countries of random public addresses on one core: by number, and as an event asks, by text. Says too how long reading the file takes.</summary>
internal static class GeoBenchmark
{
    private const int Addresses = 1_000_000;

    public static int Run(TextWriter output, Options options)
    {
        var path = options.Text("file", Path.Combine(AppContext.BaseDirectory, "geo", "country.mmdb"));
        var rounds = options.Number("rounds", 5);
        options.EnsureAllKnown();
        var bytes = File.ReadAllBytes(path);
        for (var i = 0; i < 3; i++)
        {
            var began = Stopwatch.GetTimestamp();
            if (CountryDatabase.Read(bytes).Error is { } error)
                throw new ArgumentException($"{path}: {error}");
            output.WriteLine($"read and checked: {bytes.Length:N0} bytes in {Stopwatch.GetElapsedTime(began).TotalMilliseconds:F0} ms");
        }
        var database = CountryDatabase.Read(bytes).Database!;
        var countries = new Countries { Database = database };
        foreach (var (name, v6) in new[] { ("v4", false), ("v6", true) })
        {
            var numbers = Random(v6);
            var texts = Array.ConvertAll(numbers, Text);
            for (var i = 0; i < rounds; i++)
            {
                Measure(output, $"{name} by number", numbers, database.CountryOf);
                Measure(output, $"{name} by text", texts, text => countries.Of(null, text));
            }
        }
        return 0;
    }

    private static void Measure<T>(TextWriter output, string name, T[] asked, Func<T, string?> ask)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        var answered = 0;
        foreach (var one in asked)
            answered += ask(one) is null ? 0 : 1;
        var took = Stopwatch.GetElapsedTime(began);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        output.WriteLine($"{name,-13} {asked.Length / took.TotalSeconds,12:N0} look-ups/s   {answered * 100.0 / asked.Length:F1} % have a country   {allocated:N0} bytes allocated");
    }

    private static UInt128[] Random(bool v6)
    {
        var random = new Random(1);
        var addresses = new UInt128[Addresses];
        for (var i = 0; i < addresses.Length;)
        {
            var address = v6
                ? new UInt128(0x2000_0000_0000_0000 | (ulong)random.NextInt64(0x0E00_0000_0000_0000), (ulong)random.NextInt64())
                : new UInt128(0, 0xFFFF_0000_0000 | (ulong)random.NextInt64(1L << 32));
            if (AddressRules.IsPublic(address))
                addresses[i++] = address;
        }
        return addresses;
    }

    private static string Text(UInt128 address)
    {
        var bytes = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        var ip = new IPAddress(bytes);
        return (ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip).ToString();
    }
}
