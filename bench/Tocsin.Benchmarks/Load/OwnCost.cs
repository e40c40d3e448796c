using System.Diagnostics;

namespace Tocsin.Benchmarks.Load;

/// <summary>What the generator itself takes of the machine: its share must be known to read the figures.</summary>
internal sealed class OwnCost
{
    private readonly TimeSpan _cpu = Cpu();
    private readonly long _began = Stopwatch.GetTimestamp();

    public double CpuSeconds => (Cpu() - _cpu).TotalSeconds;

    public override string ToString() =>
        $"the generator itself took {CpuSeconds:F1} s of CPU in {Stopwatch.GetElapsedTime(_began).TotalSeconds:F1} s ({CpuSeconds / Stopwatch.GetElapsedTime(_began).TotalSeconds:P0} of one core)";

    private static TimeSpan Cpu()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }
}
