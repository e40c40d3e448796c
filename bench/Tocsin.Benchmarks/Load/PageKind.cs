namespace Tocsin.Benchmarks.Load;

/// <summary>A way to ask for a page: its name, and a query string, another one each time. <paramref name="Deep"/>: pages so far behind the first.</summary>
internal sealed record PageKind(string Name, Func<Random, string> Query, int Deep = 0);
