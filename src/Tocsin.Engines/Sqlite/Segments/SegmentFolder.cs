using System.Runtime.InteropServices;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>The folder of sealed partitions: what its files are called, and which of them count.</summary>
internal sealed partial class SegmentFolder
{
    private readonly string _path;

    public SegmentFolder(string dataFolder)
    {
        _path = Path.Combine(dataFolder, "segments");
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(_path);
        else
            Directory.CreateDirectory(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string RowsPath(int number) => Path.Combine(_path, $"{number:D6}.db");

    public string IndexPath(int number) => Path.Combine(_path, $"{number:D6}.idx");

    public string VersionsPath(int number) => Path.Combine(_path, $"{number:D6}.amended.idx");

    /// <summary>A file under construction: whatever has this name after a crash is rubbish.</summary>
    public static string Unfinished(string path) => path + ".tmp";

    /// <summary>Removes what a crash left: unfinished files, and those of partitions that are not sealed.</summary>
    public void RemoveStrays(IEnumerable<int> sealedNumbers)
    {
        var known = sealedNumbers.SelectMany(number => new[] { RowsPath(number), IndexPath(number), VersionsPath(number) }).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(_path))
            if (!known.Contains(path))
                File.Delete(path);
    }

    /// <summary>Gives a finished file its name.</summary>
    public static void Finish(string path) => File.Move(Unfinished(path), path, overwrite: true);

    /// <summary>Makes the names of files durable: a rename is a change of the folder.</summary>
    public void Sync()
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = Open(_path, 0);
        if (folder < 0)
            throw new IOException($"cannot open the folder to sync it (error {Marshal.GetLastPInvokeError()})");
        var failed = Fsync(folder) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(folder);
        if (failed)
            throw new IOException($"cannot sync the folder (error {error})");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int file);
}
