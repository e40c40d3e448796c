using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Tocsin.Engines.Sqlite.Segments;

/// <summary>The folder of sealed partitions: what its files are called, and which of them count.</summary>
internal sealed partial class SegmentFolder
{
    private readonly string _path;

    public SegmentFolder(string dataFolder)
    {
        _path = Path.Combine(dataFolder, "segments");
        if (Directory.Exists(_path))
            return;
        PrivateFolder.Create(_path);
        // What will be in it is durable only if its own name is.
        Sync(dataFolder);
    }

    public string RowsPath(int number) => Path.Combine(_path, $"{number:D6}.db");

    public string IndexPath(int number) => Path.Combine(_path, $"{number:D6}.idx");

    public string VersionsPath(int number) => Path.Combine(_path, $"{number:D6}.amended.idx");

    /// <summary>A file under construction: whatever has this name after a crash is rubbish.</summary>
    public static string Unfinished(string path) => path + ".tmp";

    /// <summary>
    /// Refuses rows of partitions from this number on: the journal cannot have sealed them, so they are another's, or it is not the journal that did. Their
    /// events may stand nowhere else.
    /// </summary>
    public void RefuseRowsFrom(int number)
    {
        foreach (var path in Directory.EnumerateFiles(_path, "*.db"))
            if (int.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var found) && found >= number)
                throw new Journal.JournalOpenException(
                    $"{path} holds events that the journal.db beside it does not know: put back the journal.db it belongs to, or restore a backup into an empty data folder.");
    }

    /// <summary>Removes what a crash left: unfinished files, and those of partitions that are not sealed. Files with other names are not ours.</summary>
    public void RemoveStrays(IEnumerable<int> sealedNumbers)
    {
        var known = sealedNumbers.SelectMany(number => new[] { RowsPath(number), IndexPath(number), VersionsPath(number) }).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(_path))
            if (!known.Contains(path) && OurName().IsMatch(Path.GetFileName(path)))
                File.Delete(path);
    }

    /// <summary>Gives a finished file its name.</summary>
    public static void Finish(string path) => File.Move(Unfinished(path), path, overwrite: true);

    /// <summary>Makes the names of files durable: a rename is a change of the folder.</summary>
    public void Sync() => Sync(_path);

    private static void Sync(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = Open(path, 0);
        if (folder < 0)
            throw new IOException($"cannot open the folder to sync it (error {Marshal.GetLastPInvokeError()})");
        var failed = Fsync(folder) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(folder);
        if (failed)
            throw new IOException($"cannot sync the folder (error {error})");
    }

    [GeneratedRegex(@"^[0-9]{6,10}(\.db|\.idx|\.amended\.idx)(\.tmp(-journal|-wal|-shm)?)?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OurName();

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
