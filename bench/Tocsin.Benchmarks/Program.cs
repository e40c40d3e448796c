using System.Globalization;
using Tocsin.Benchmarks;

return args switch
{
    ["append", ..] => await AppendBenchmark.RunAsync(Console.Out, 3_000_000, args.Contains("keyed")),
    ["board", ..] => BoardBenchmark.Run(Console.Out),
    ["fill", var folder, var incidents, var employees] => await FillStore.RunAsync(
        Console.Out, folder, int.Parse(incidents, CultureInfo.InvariantCulture), int.Parse(employees, CultureInfo.InvariantCulture)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Tocsin.Benchmarks append [keyed] | board | fill DIR INCIDENTS EMPLOYEES");
    return 2;
}
