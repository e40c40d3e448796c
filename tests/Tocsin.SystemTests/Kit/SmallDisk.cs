using System.Runtime.InteropServices;

namespace Tocsin.SystemTests.Kit;

/// <summary>A folder that is a disk of its own, of a few megabytes, and can be filled and freed.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    private string Ballast => Path.Combine(_folder, "ballast");

    /// <summary>Mounts it; skips the test where that is not allowed.</summary>
    public static async Task<SmallDisk> MountOrSkipAsync(string folder, int megabytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && GetEffectiveUserId() == 0, "A disk that is full: needs root, to mount a small tmpfs.");
        Directory.CreateDirectory(folder);
        var mounted = await Tool.RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder);
        Assert.SkipUnless(mounted.Code == 0, $"A disk that is full: a tmpfs cannot be mounted here ({mounted.Err.Trim()}).");
        return new SmallDisk(folder);
    }

    /// <summary>Takes this much of it.</summary>
    public Task TakeAsync(int megabytes) => File.WriteAllBytesAsync(Ballast, new byte[megabytes << 20]);

    /// <summary>Takes what is left of it.</summary>
    public void Fill()
    {
        using var file = new FileStream(Path.Combine(_folder, "rest"), FileMode.Append);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public void Free()
    {
        File.Delete(Ballast);
        File.Delete(Path.Combine(_folder, "rest"));
    }

    public async ValueTask DisposeAsync() => await Tool.RunAsync("umount", "-l", _folder);

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint GetEffectiveUserId();
}
