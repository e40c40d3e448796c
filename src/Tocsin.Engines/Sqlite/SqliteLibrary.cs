using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Tocsin.Engines.Sqlite;

/// <summary>
/// Chooses the native SQLite once per process: the system's libsqlite3 where there is one (it gets the distribution's fixes), else
/// the bundled one.
/// </summary>
internal static class SqliteLibrary
{
    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>Loads the library on first use; says its version and which one it is.</summary>
    public static string Version => Loaded.Value;

    private static string Load()
    {
        var system = false;
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, (name, assembly, path) =>
        {
            if (name != "e_sqlite3")
                return IntPtr.Zero;
            foreach (var candidate in (string[])["libsqlite3.so.0", "libsqlite3.dylib", "winsqlite3.dll"])
                if (NativeLibrary.TryLoad(candidate, Assembly.GetExecutingAssembly(), DllImportSearchPath.SafeDirectories, out var handle))
                {
                    system = true;
                    return handle;
                }
            return NativeLibrary.Load(name, assembly, path);
        });
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return $"{raw.sqlite3_libversion().utf8_to_string()} ({(system ? "system" : "bundled")})";
    }
}
