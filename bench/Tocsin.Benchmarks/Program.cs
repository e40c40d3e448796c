using System.Globalization;
using Tocsin.Benchmarks;
using Tocsin.Benchmarks.Dashboard;

// The thread that learns of a socket's bytes reads them, and there is one: the generator shall cost as little as it can. Read once, before the first socket.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1");

try
{
    return args switch
    {
        ["append", ..] => await AppendBenchmark.RunAsync(Console.Out, 3_000_000, args.Contains("keyed")),
        ["board", ..] => BoardBenchmark.Run(Console.Out),
        ["fill", var folder, var incidents, var employees] => await FillStore.RunAsync(
            Console.Out, folder, int.Parse(incidents, CultureInfo.InvariantCulture), int.Parse(employees, CultureInfo.InvariantCulture)),
        ["spread", .. var rest] => await SpreadStore.RunAsync(Console.Out, new Options(rest)),
        ["dashboard-cold", .. var rest] => await ColdRun.RunAsync(Console.Out, new Options(rest)),
        ["dashboard-pages", .. var rest] => await PagesRun.RunAsync(Console.Out, new Options(rest)),
        ["dashboard-live", .. var rest] => await LiveRun.RunAsync(Console.Out, new Options(rest)),
        ["push", .. var rest] => await PushBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["single", .. var rest] => await SingleBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["pages", .. var rest] => await PagesBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["scans", .. var rest] => await ScansBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["walk", .. var rest] => await WalkBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["stream", .. var rest] => await StreamBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["raw", .. var rest] => await RawBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["postgres", .. var rest] => await PostgresBenchmark.RunAsync(Console.Out, new Options(rest)),
        ["geo", .. var rest] => GeoBenchmark.Run(Console.Out, new Options(rest)),
        ["disk", .. var rest] => DiskBenchmark.Run(Console.Out, new Options(rest)),
        _ => Usage(),
    };
}
catch (Exception e) when (e is ArgumentException or FormatException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or Microsoft.Playwright.PlaywrightException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}

static int Usage()
{
    Console.Error.WriteLine("""
        usage: Tocsin.Benchmarks append [keyed] | board | fill DIR INCIDENTS EMPLOYEES
               Tocsin.Benchmarks push   [--total N] [--connections 16] [--batch 1000] [--keyed] [--days D] [--first N] [--every 250000]
               Tocsin.Benchmarks single [--connections 256] [--seconds 10] [--warm 2] [--keyed] [--disk DIR]
               Tocsin.Benchmarks pages  --total N [--requests 200] [--only time,type+user_id,...] [--seconds S] [--out FILE] [--compare FILE]
               Tocsin.Benchmarks scans  [--requests 3] [--seconds S]
               Tocsin.Benchmarks walk   --total N [--rate 1000]
               Tocsin.Benchmarks stream [--readers 1] [--rate 500] [--seconds 10]
               Tocsin.Benchmarks raw    [--total N] [--group 10000] [--keyed] [--days D] [--dir DIR | --keep DIR]
               Tocsin.Benchmarks postgres --connection "Host=..." [--beside "Host=..."] [--total N] [--group 10000] [--nodes 1] [--keyed] [--days D] [--copy-from 2000]
               Tocsin.Benchmarks geo    [--file FILE] [--rounds 5]
               Tocsin.Benchmarks spread --dir DIR [--total 1000000]
               Tocsin.Benchmarks dashboard-cold  [--runs 10] | dashboard-pages [--runs 7] [--only overview,people,...] | dashboard-live [--rate 500] [--minutes 1]   each [--chromium FILE]
               Tocsin.Benchmarks disk   [--dir DIR] [--count 20000]
        Where a service is asked: --url http://127.0.0.1:9000 --token TOKEN (else TOCSIN_ADMIN_TOKEN).
        """);
    return 2;
}
