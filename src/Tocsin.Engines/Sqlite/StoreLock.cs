using Tocsin.Journal;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// A locked file that keeps a second process out of a data folder. The kernel lets go of it when the process dies, however it dies.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private readonly FileStream _file;

    private StoreLock(FileStream file) => _file = file;

    public static StoreLock Take(string folder)
    {
        try
        {
            PrivateFolder.Create(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(folder, error);
        }
        var path = Path.Combine(folder, "journal.lock");
        try
        {
            return new StoreLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException error)
        {
            throw NotWritable(folder, error);
        }
        catch (IOException error) when (File.Exists(path))
        {
            throw new JournalOpenException(
                $"The data folder {folder} is in use by another Tocsin: stop that one, or choose another folder with --data.", error);
        }
        catch (IOException error)
        {
            throw NotWritable(folder, error);
        }
    }

    public void Dispose() => _file.Dispose();

    private static JournalOpenException NotWritable(string folder, Exception error) =>
        new($"The data folder {folder} is not writable ({error.Message.TrimEnd('.')}): give it to the user that runs Tocsin, or choose another with --data.", error);
}
