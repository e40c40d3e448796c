namespace Tocsin.Server.Api.Description;

/// <summary>Marks a type that callers send: what they may not leave out. The handler says what it misses, so that the type itself takes anything.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class RequestBodyAttribute(params string[] required) : Attribute
{
    /// <summary>Members by their name on the wire.</summary>
    public IReadOnlyList<string> Required => required;
}
