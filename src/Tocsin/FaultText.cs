namespace Tocsin;

/// <summary>What may be said of an error to whoever may read. The system's own sentences about files name where on the machine they lie; the log keeps those.</summary>
public static class FaultText
{
    private const int DiskFullOnUnix = 28;
    private const int DiskFullOnWindows = unchecked((int)0x80070070);

    /// <summary>A sentence about the error, without a path where a file is what it is about.</summary>
    public static string Of(Exception error) => error switch
    {
        UnauthorizedAccessException => "access to a file is denied",
        FileNotFoundException or DirectoryNotFoundException => "a file or its folder is not there",
        IOException { HResult: DiskFullOnUnix or DiskFullOnWindows } => "the disk is full",
        IOException => "a file cannot be read or written",
        _ => error.Message,
    };
}
