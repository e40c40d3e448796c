using Tocsin.Benchmarks;

return args switch
{
    ["board"] => BoardBenchmark.Run(Console.Out),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Tocsin.Benchmarks board");
    return 2;
}
