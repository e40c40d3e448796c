namespace Tocsin.Engines.Sqlite;

/// <summary>Folders with names of people and the key of the dedupe hashes: for their owner alone. One that exists keeps the rights it was given.</summary>
internal static class PrivateFolder
{
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
