namespace Tocsin.SystemTests.Kit;

/// <summary>A service without sources, for the tests of one class.</summary>
public sealed class BareHouse : IAsyncLifetime
{
    private readonly ServerHome _home = new();

    internal ServerProcess Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await ServerProcess.StartAsync(_home);

    public async ValueTask DisposeAsync()
    {
        var (end, _) = await Server.Process.TerminateAsync();
        await Server.DisposeAsync();
        _home.Dispose();
        end.Code.ShouldBe(0, end.ToString());
        end.Err.ShouldNotContain(" ERROR ", Case.Sensitive, "whatever it was sent, it is no error here");
    }
}
