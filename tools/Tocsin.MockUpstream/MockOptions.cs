namespace Tocsin.MockUpstream;

/// <summary>What the mock upstream serves, and how it behaves until it is told otherwise over HTTP.</summary>
public sealed record MockOptions
{
}
