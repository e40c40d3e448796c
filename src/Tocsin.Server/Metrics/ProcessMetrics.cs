using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Tocsin.Server.Metrics;

/// <summary>The process and its garbage collector, under the names that Prometheus' own clients use.</summary>
internal static class ProcessMetrics
{
    private const string OpenFiles = "/proc/self/fd";

    public static void Observe(Meter meter)
    {
        var startedAt = new DateTimeOffset(Process.GetCurrentProcess().StartTime).ToUnixTimeMilliseconds() / 1000.0;
        meter.CreateObservableCounter("process_cpu_seconds_total", () => Environment.CpuUsage.TotalTime.TotalSeconds, null, "Processor time used, user and system.");
        meter.CreateObservableGauge("process_resident_memory_bytes", () => Environment.WorkingSet, null, "Resident memory.");
        meter.CreateObservableGauge("process_start_time_seconds", () => startedAt, null, "When the process began, Unix time.");
        meter.CreateObservableGauge("process_threads", Threads, null, "Threads.");
        if (Directory.Exists(OpenFiles))
            meter.CreateObservableGauge("process_open_fds", () => (long)Directory.EnumerateFileSystemEntries(OpenFiles).Count(), null, "Open file descriptors.");
        meter.CreateObservableCounter("dotnet_gc_collections_total", Collections, null, "Garbage collections; one of a generation is one of those below it too.");
        meter.CreateObservableGauge("dotnet_gc_heap_size_bytes", () => GC.GetTotalMemory(forceFullCollection: false), null, "The managed heap, garbage not yet collected included.");
        meter.CreateObservableCounter("dotnet_gc_pause_seconds_total", () => GC.GetTotalPauseDuration().TotalSeconds, null, "Time the process stood still for the garbage collector.");
        meter.CreateObservableGauge("tocsin_build_info", () => new Measurement<long>(1, new KeyValuePair<string, object?>("version", ServerVersion.Text)), null, "Always 1; the version is the label.");
    }

    private static long Threads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }

    private static IEnumerable<Measurement<long>> Collections() =>
        Enumerable.Range(0, GC.MaxGeneration + 1).Select(generation => new Measurement<long>(GC.CollectionCount(generation), new KeyValuePair<string, object?>("generation", $"{generation}")));
}
