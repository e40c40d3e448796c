using System.Buffers.Text;
using System.Security.Cryptography;
using Tocsin.Journal;

namespace Tocsin.Access;

/// <summary>
/// The first token. Given by the environment, or made on the first start: its hash is kept as state, the token itself only in
/// <c>admin.token</c> in the data folder, readable by its owner alone.
/// </summary>
public sealed record AdminToken(ReadOnlyMemory<byte> Hash, string? MadeNow)
{
    /// <summary>Shorter tokens can be guessed.</summary>
    public const int MinCharacters = 24;

    public const string FileName = "admin.token";

    private const string StateName = "tokens";
    private const string StateKey = "admin";
    private const string Prefix = "tocsin_";
    private const int SecretBytes = 32;
    private static readonly string[] Placeholders = ["change", "secret", "password", "example", "placeholder", "your", "token", "xxxx", "1234", "test"];

    /// <summary>Why a given token is refused; null when it is fine.</summary>
    public static string? Defect(string token) =>
        token.Length < MinCharacters ? $"it has {token.Length} characters, and must have {MinCharacters} or more"
        : token.Trim() != token || token.AsSpan().ContainsAnyExceptInRange(' ', '~') ? "it begins or ends with white space, or holds what is no visible ASCII (the end of a line?): no header can carry that"
        : token.Length > 512 ? "it has more than 512 characters"
        : token.Distinct().Count() < 8 || Array.Exists(Placeholders, word => token.StartsWith(word, StringComparison.OrdinalIgnoreCase)) ? "it looks like a placeholder"
        : null;

    /// <summary>The token of <paramref name="given"/>, else the one of an earlier start, else a new one.</summary>
    public static async Task<AdminToken> EstablishAsync(EventJournal journal, string folder, string? given, CancellationToken cancellation)
    {
        if (given is not null)
            return new AdminToken(HashOf(given), null);
        if (await journal.Store.GetStateAsync(StateName, StateKey, cancellation) is { } row)
            return new AdminToken(row.Value, null);
        var token = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        // The file first: a crash in between makes another token, and never leaves one that nobody knows.
        WriteOwnerOnly(Path.Combine(folder, FileName), token);
        var result = await journal.AppendAsync(new Append { State = [new StateWrite(StateName, StateKey, HashOf(token))], Expect = [new StateExpectation(StateName, StateKey, 0)] }, cancellation);
        if (result.Status == AppendStatus.Committed)
            return new AdminToken(HashOf(token), token);
        // Another node made one a moment ago: that is it, and this one opens nothing.
        File.Delete(Path.Combine(folder, FileName));
        return await EstablishAsync(journal, folder, given, cancellation);
    }

    /// <summary>Prints no secret.</summary>
    public override string ToString() => "admin token ***";

    private static byte[] HashOf(string token)
    {
        var hash = new byte[SHA256.HashSizeInBytes];
        AccessControl.Hash(token, hash);
        return hash;
    }

    private static void WriteOwnerOnly(string path, string token)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        file.Write(System.Text.Encoding.UTF8.GetBytes(token + "\n"));
        // On disk before its hash is: the power may go in between.
        file.Flush(flushToDisk: true);
    }
}
