using Tocsin.Benchmarks;

return args switch
{
    ["append", ..] => await AppendBenchmark.RunAsync(Console.Out, 3_000_000, args.Contains("keyed")),
    ["board", ..] => BoardBenchmark.Run(Console.Out),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Tocsin.Benchmarks append [keyed] | board");
    return 2;
}
