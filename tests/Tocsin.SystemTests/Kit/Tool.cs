using System.Diagnostics;

namespace Tocsin.SystemTests.Kit;

/// <summary>A program of the system that a test uses where it is there.</summary>
internal static class Tool
{
    /// <summary>Where it lies; null when it is not there.</summary>
    public static string? Find(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Runs it to its end.</summary>
    public static async Task<Finished> RunAsync(string name, params string[] args)
    {
        var start = new ProcessStartInfo(name, args) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return new Finished(process.ExitCode, await output, await error);
    }
}
