using System.Text;
using Tocsin.Enrich;
using Tocsin.Server.Enrichment;

namespace Tocsin.Tests.Server;

public sealed class WatchedFileTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _taken = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_read_when_it_is_there_and_again_only_when_it_changed()
    {
        var file = Watch();
        Write("a");

        file.Look().ShouldBeTrue();
        file.State.ShouldBe(new FileState(_time.GetUtcNow(), null));
        file.Look().ShouldBeFalse();
        Write("bb");
        _time.Advance(TimeSpan.FromSeconds(5));
        file.Look().ShouldBeTrue();

        _taken.ShouldBe(["a", "bb"]);
        file.State.LoadedAt.ShouldBe(_time.GetUtcNow());
    }

    [Fact]
    public void A_bad_file_is_refused_and_what_was_read_before_stays()
    {
        var file = Watch();
        Write("a");
        file.Look();
        var loadedAt = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(5));
        Write("bad");

        file.Look().ShouldBeTrue();
        file.State.ShouldBe(new FileState(loadedAt, "line 3: it is bad; and more"));
        file.Look().ShouldBeFalse();
        Write("good again");
        file.Look().ShouldBeTrue();

        file.State.Error.ShouldBeNull();
        _taken.ShouldBe(["a", "good again"]);
    }

    [Fact]
    public void A_file_that_goes_is_said_and_is_read_when_it_comes_back_as_it_was()
    {
        var file = Watch();
        Write("a");
        file.Look();
        File.Move(_folder.File("f"), _folder.File("away"));

        file.Look().ShouldBeTrue();
        file.State.Error.ShouldBe("no such file");
        File.Move(_folder.File("away"), _folder.File("f"));
        file.Look().ShouldBeTrue();

        (file.State.Error, _taken.Count).ShouldBe((null, 2));
    }

    [Fact]
    public void A_file_that_is_too_large_is_not_read()
    {
        var file = Watch();
        Write(new string('x', 101));
        file.Look();

        file.State.Error.ShouldBe("the file has 101 bytes, at most 100 are read");
        _taken.ShouldBeEmpty();
    }

    private WatchedFile<string> Watch() => new(_folder.File("f"), 100, Read, _taken.Add, _time);

    private static FileContent<string> Read(byte[] bytes) => Encoding.UTF8.GetString(bytes) is var text && text == "bad"
        ? new(null, [new FileMistake(3, "it is bad"), new FileMistake(0, "and more")])
        : new(text, []);

    private void Write(string text) => File.WriteAllText(_folder.File("f"), text);
}
