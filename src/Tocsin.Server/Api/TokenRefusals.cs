using System.Globalization;
using Tocsin.Access;

namespace Tocsin.Server.Api;

/// <summary>What those are told whose token is not known, or who have none.</summary>
internal static class TokenRefusals
{
    /// <summary>Counts a wrong token; the answer says that it is wrong, or after too many of them to wait.</summary>
    public static Problem Wrong(HttpContext context, GuessThrottle guesses, string detail) =>
        guesses.Guessed(context.Connection.RemoteIpAddress) is { } wait ? TooMany(context, wait) : Unauthorized(context, detail);

    public static Problem Unauthorized(HttpContext context, string detail)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"tocsin\"";
        return new Problem(StatusCodes.Status401Unauthorized, "unauthorized", detail);
    }

    private static Problem TooMany(HttpContext context, TimeSpan wait)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return new Problem(StatusCodes.Status429TooManyRequests, Problem.TooManyAttempts,
            $"The token is not known, nor were the last {GuessThrottle.MaxGuesses} and more from this address: wrong ones are looked at again in {seconds} s.");
    }
}
