using System.CommandLine;
using System.Text.Json;
using Tocsin.Access;
using Tocsin.Collect.Reading;

namespace Tocsin.Server.Commands;

/// <summary><c>tocsin token create|list|revoke</c>.</summary>
internal static class TokenCommands
{
    public static Command Create() => new("token", "Makes, lists and revokes API tokens") { Make(), List(), Revoke() };

    private static Command Make()
    {
        var name = new Option<string>("--name") { Description = "What it is called: also the source of what it pushes", HelpName = "N", Required = true };
        var scope = new Option<string[]>("--scope") { Description = $"What it may: {string.Join(", ", ScopeNames.All)}; several with commas, or the option again", HelpName = "S", Required = true };
        scope.Validators.Add(result =>
        {
            if (Split(result.Tokens.Select(token => token.Value)).FirstOrDefault(given => !ScopeNames.TryParse(given, out _)) is { } unknown)
                result.AddError($"There is no scope {unknown}; there are {string.Join(", ", ScopeNames.All)}.");
        });
        var expires = new Option<string?>("--expires") { Description = "For how long: 12h, 90d (default: for good)", HelpName = "90d" };
        expires.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !Quantity.TryParseDuration(result.Tokens[0].Value, out _))
                result.AddError($"{result.Tokens[0].Value} is no duration: say 12h or 90d.");
        });
        var command = new Command("create", "Makes a token and prints its secret, the only time it is shown.")
        {
            name, scope, expires, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin token create --name billing --scope ingest
            tocsin token create --name soc --scope read,operate --expires 90d
            TOKEN=$(tocsin token create --name ci --scope ingest --scope read --expires 12h)
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var (_, made) = await client.SendAsync(HttpMethod.Post, "tokens",
                new { name = parsed.GetValue(name), scopes = Split(parsed.GetValue(scope)!), expires = parsed.GetValue(expires) });
            Console.Out.WriteLine(made.GetProperty("token").GetString());
            var until = made.GetProperty("expires_at").GetString() is { } end ? $"until {end}" : "for good";
            Console.Error.WriteLine($"The token {Output.Text(made, "name")} may {Scopes(made)}, {until}. Keep it: it is not shown again.");
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command List()
    {
        var format = Output.Format();
        var command = new Command("list", "Lists the tokens of the running service, without their secrets.")
        {
            format, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin token list
            tocsin token list -o json
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var (_, tokens) = await client.SendAsync(HttpMethod.Get, "tokens");
            Output.Write(parsed.GetValue(format)!, tokens, tokens.EnumerateArray().Select(token => (token, new[]
            {
                Output.Text(token, "name"), Scopes(token), Output.Text(token, "created_at"), Output.Text(token, "expires_at"), Output.Text(token, "last_used_at"),
            })), "name", "scopes", "created_at", "expires_at", "last_used_at");
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Revoke()
    {
        var name = new Argument<string>("NAME") { Description = "The token" };
        var command = new Command("revoke", "Revokes a token: from now on the service does not know it.")
        {
            name, ServiceClient.Url, ServiceClient.Data,
        }.WithExamples("""
            tocsin token revoke ci
            """);
        command.SetAction((parsed, _) => ServiceClient.RunAsync(parsed, async client =>
        {
            var revoked = parsed.GetValue(name)!;
            await client.SendAsync(HttpMethod.Delete, $"tokens/{Uri.EscapeDataString(revoked)}");
            Console.Error.WriteLine($"{revoked}: revoked.");
            return ExitCode.Ok;
        }));
        return command;
    }

    private static string[] Split(IEnumerable<string> scopes) =>
        [.. scopes.SelectMany(scope => scope.Split(',', StringSplitOptions.TrimEntries))];

    private static string Scopes(JsonElement token) => string.Join(' ', token.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
}
