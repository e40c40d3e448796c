using Tocsin.Access;
using Tocsin.Collect;
using Tocsin.Enrich;
using Tocsin.Journal;
using Tocsin.Server.Api.Description;

namespace Tocsin.Server.Api;

/// <summary><c>/identities</c>: who held an address when, what is unresolved, and assigning by hand.</summary>
internal sealed class IdentitiesApi(IdentityDirectory directory, IdentityStore identities, EventJournal journal, OwnActions actions, TimeProvider time)
{
    private const int MaxUnresolved = 1_000;
    private const int DefaultUnresolved = 100;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/identities", (Delegate)GetAsync)
            .Needs(Scope.Read, new("ip", "The address asked about", QueryValue.Text), new("at", "Only who held it then", QueryValue.Time), new("unresolved", "true: the addresses nobody was found for, most events first", QueryValue.Flag), new("limit", $"Of unresolved, 1 to {MaxUnresolved}", QueryValue.Whole(1, MaxUnresolved)))
            .Named("listHolders", "Identities", "Who held an address when, from which source; or the addresses nobody was found for")
            .Gives(200, "Holders, or unresolved addresses with their events", "application/json", EitherShapes.Identities).Refuses(503);
        routes.MapPost("/identities", AssignAsync).Needs(Scope.Operate)
            .Named("assignAddress", "Identities", "Assigns an address by hand; its unresolved events move at once").Accepts<Assignment>("application/json")
            .Gives<Assigned>(201, "The assignment as it is kept", "Location").Refuses(422).Refuses(503);
    }

    private async Task<IResult> GetAsync(HttpContext context)
    {
        var reader = new QueryReader(context.Request.Query, time.GetUtcNow());
        var ip = reader.Text("ip");
        var at = reader.Time("at");
        var unresolved = reader.Flag("unresolved");
        var limit = reader.Number("limit", 1, MaxUnresolved) ?? DefaultUnresolved;
        var address = ip is null ? null : Address.Normalise(ip);
        if (ip is not null && address is null)
            reader.Fail("ip", "it is no IP address");
        if (ip is null && unresolved != true)
            reader.Fail("ip", "say ip=ADDRESS, or unresolved=true");
        if (reader.Problem is { } problem)
            return problem;
        if (unresolved == true)
            return Results.Ok((await UnresolvedAsync(address, limit, context.RequestAborted))
                .Select(row => new { ip = row.Address, row.Count }));
        return Results.Ok(directory.Find(address!).SelectMany(found => found.Holders
            .Where(holder => at is not { } time || holder.Holds(time))
            .Select(holder => new Held(address!, holder.UserId, Open(holder.From), Open(holder.To), found.Directory))));
    }

    private async Task<IEnumerable<UnresolvedAddress>> UnresolvedAsync(string? address, int limit, CancellationToken cancellation)
    {
        if (address is null)
            return await journal.Store.TopUnresolvedAddressesAsync(limit, cancellation);
        // The list begins after a text: the last one before this address ("~" comes after whatever an address is written with).
        var before = $"{address[..^1]}{(char)(address[^1] - 1)}~";
        return (await journal.Store.ListUnresolvedAddressesAsync(before, 1, cancellation)).Where(row => row.Address == address);
    }

    private async Task<IResult> AssignAsync(Assignment body, HttpContext context)
    {
        var errors = new List<ProblemError>();
        var address = body.Ip is null ? null : Address.Normalise(body.Ip);
        if (address is null)
            errors.Add(new ProblemError("/ip", "invalid", "expected an IP address"));
        if (body.UserId is null || !IdentityDirectory.IsUserId(body.UserId))
            errors.Add(new ProblemError("/user_id", "invalid", $"expected 1 to {IdentityDirectory.MaxUserIdCharacters} characters, no control characters among them"));
        if (body.From >= body.To)
            errors.Add(new ProblemError("/to", "invalid", "expected a time after from"));
        if (errors.Count > 0)
            return new Problem(StatusCodes.Status422UnprocessableEntity, "invalid_assignment", "The assignment cannot be used.", errors);
        try
        {
            await identities.AssignAsync(address!, body.UserId!, body.From, body.To, context.RequestAborted, Record(address!, body, context.Actor()));
        }
        catch (DirectoryFullException error)
        {
            return new Problem(StatusCodes.Status422UnprocessableEntity, "directory_full", error.Message);
        }
        return Results.Created($"/identities?ip={Uri.EscapeDataString(address!)}", new Assigned(address!, body.UserId!, body.From, body.To));
    }

    private SecurityEvent Record(string address, Assignment assigned, Actor actor) =>
        actions.Event(OwnActionType.IdentityAssigned, actor, $"{actor.Name} assigned {address} to {assigned.UserId}.", data =>
        {
            data.WriteString("ip"u8, address);
            data.WriteString("user_id"u8, assigned.UserId);
            data.WriteString("from"u8, Text(assigned.From));
            data.WriteString("to"u8, Text(assigned.To));
        });

    private static string? Text(DateTimeOffset? end) => end is { } time ? EventTime.From(time, 3).ToString() : null;

    private static DateTimeOffset? Open(DateTimeOffset end) => end == DateTimeOffset.MinValue || end == DateTimeOffset.MaxValue ? null : end;

    private sealed record Held(string Ip, string UserId, DateTimeOffset? From, DateTimeOffset? To, string Source);
}

/// <summary>An address given to a person by hand, from and to open when absent.</summary>
[RequestBody("ip", "user_id")]
internal sealed record Assignment(string? Ip, string? UserId, DateTimeOffset? From, DateTimeOffset? To);

/// <summary>An assignment as it is kept; null ends are open.</summary>
internal sealed record Assigned(string Ip, string UserId, DateTimeOffset? From, DateTimeOffset? To);
