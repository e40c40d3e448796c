using System.CommandLine;
using Tocsin.Collect;
using Tocsin.Enrich.Geo;
using Tocsin.Server.Configuration;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin config check</c>: every mistake at once.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("FILE") { Arity = ArgumentArity.ZeroOrOne, Description = $"The configuration file (default: {ServeCommand.DefaultConfig} when there is one)" };
        var check = new Command("check", "Checks the configuration and every source file it names; starts nothing. Exit 0 when all is well, 2 with a line for each mistake.")
        {
            file,
        }.WithExamples("""
            tocsin config check
            tocsin config check /etc/tocsin/tocsin.yaml
            """);
        check.SetAction(parsed => Check(parsed.GetValue(file)));
        return new Command("config", "Looks at the configuration") { check };
    }

    private static int Check(string? file)
    {
        var secrets = new SecretResolver(Environment.GetEnvironmentVariable);
        var path = file ?? (File.Exists(ServeCommand.DefaultConfig) ? ServeCommand.DefaultConfig : null);
        var read = TocsinYaml.Read(path is null ? null : Path.GetFullPath(path), secrets, ServeCommand.ProcessEnvironment());
        var sources = SourceFiles.ReadAll(read.Options.Sources, secrets);
        ConfigError[] errors = [.. read.Errors, .. sources.Errors, .. Database(read.Options.GeoDatabase)];
        if (errors.Length > 0)
        {
            Console.Error.Write(ConfigReport.Format(errors));
            return ExitCode.Usage;
        }
        if (!ServeCommand.TryAdminToken(out _, out var problem))
            return ExitCode.Fail(problem, ExitCode.Usage);
        Console.Out.WriteLine($"No mistakes: {path ?? "no configuration file, the defaults"}, {sources.Sources.Count} sources ({read.Options.Sources}).");
        return ExitCode.Ok;
    }

    /// <summary>The service would start with the shipped one in its place: here it is a mistake.</summary>
    private static IEnumerable<ConfigError> Database(string? path)
    {
        if (path is null || !File.Exists(path))
            yield break;
        var error = new FileInfo(path).Length > CountryDatabase.MaxBytes ? $"the file has more than {CountryDatabase.MaxBytes:N0} bytes" : CountryDatabase.Read(File.ReadAllBytes(path)).Error;
        if (error is not null)
            yield return new ConfigError(path, 0, "", error);
    }
}
