using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tocsin.Benchmarks.Load;

namespace Tocsin.Benchmarks;

/// <summary>What one durable write costs on this disk: 4 KiB appended and fdatasync, one after the other.</summary>
internal static partial class DiskBenchmark
{
    private const int BlockBytes = 4_096;

    public static int Run(TextWriter output, Options options)
    {
        var folder = options.Text("dir", Path.GetTempPath());
        var count = options.Number("count", 20_000);
        options.EnsureAllKnown();
        var began = Stopwatch.GetTimestamp();
        var latencies = Measure(folder, count);
        var rate = count / Stopwatch.GetElapsedTime(began).TotalSeconds;
        output.WriteLine($"disk: {count:N0} appends of 4 KiB with fdatasync in {folder}: {rate:N0}/s, {latencies}");
        output.WriteLine($"result rate={rate:F0} p50_ms={latencies.Ms(0.5):F3} p99_ms={latencies.Ms(0.99):F3} max_ms={latencies.MaxMs:F2}");
        return 0;
    }

    /// <summary>So many appends to a new file of this folder; the file is deleted.</summary>
    public static Latencies Measure(string folder, int count)
    {
        var path = Path.Combine(folder, $"disk-{Guid.NewGuid():N}.tmp");
        var block = new byte[BlockBytes];
        Random.Shared.NextBytes(block);
        var latencies = new Latencies();
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose);
        for (var i = 0; i < count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, block, (long)i * BlockBytes);
            if (FDataSync(file) != 0)
                throw new IOException($"fdatasync: error {Marshal.GetLastPInvokeError()}");
            latencies.Record(Stopwatch.GetTimestamp() - began);
        }
        return latencies;
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FDataSync(SafeFileHandle file);
}
