using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Tocsin.Access;
using Tocsin.Engines.Sqlite;
using Tocsin.Journal;

namespace Tocsin.Tests.Access;

public sealed class AdminTokenTests : IDisposable
{
    private const string Given = "o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_first_start_makes_a_token_that_only_its_file_knows()
    {
        var admin = await EstablishAsync();
        var token = admin.MadeNow.ShouldNotBeNull();

        token.ShouldStartWith("tocsin_");
        AdminToken.Defect(token).ShouldBeNull();
        (await File.ReadAllTextAsync(_folder.File(AdminToken.FileName))).ShouldBe(token + "\n");
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(_folder.File(AdminToken.FileName)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        new AccessControl(admin.Hash, false, new FakeTimeProvider()).Authenticate(token).ShouldNotBeNull();
        foreach (var file in Directory.GetFiles(_folder.Path).Where(file => Path.GetFileName(file) != AdminToken.FileName))
            (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(token)).ShouldBe(-1, file);
    }

    [Fact]
    public async Task The_next_start_knows_it_and_makes_no_other_even_when_its_file_is_gone()
    {
        var token = (await EstablishAsync()).MadeNow.ShouldNotBeNull();
        File.Delete(_folder.File(AdminToken.FileName));
        var again = await EstablishAsync();
        again.MadeNow.ShouldBeNull();
        new AccessControl(again.Hash, false, new FakeTimeProvider()).Authenticate(token).ShouldNotBeNull();
        File.Exists(_folder.File(AdminToken.FileName)).ShouldBeFalse();
    }

    [Fact]
    public async Task Two_data_folders_have_two_tokens()
    {
        using var other = new TempFolder();
        (await EstablishAsync()).MadeNow.ShouldNotBe((await EstablishAsync(folder: other.Path)).MadeNow);
    }

    [Fact]
    public async Task A_token_from_the_environment_is_the_only_one_and_is_written_nowhere()
    {
        var made = (await EstablishAsync()).MadeNow.ShouldNotBeNull();
        var admin = await EstablishAsync(Given);
        admin.MadeNow.ShouldBeNull();
        var access = new AccessControl(admin.Hash, false, new FakeTimeProvider());
        access.Authenticate(Given).ShouldNotBeNull();
        access.Authenticate(made).ShouldBeNull();
        foreach (var file in Directory.GetFiles(_folder.Path))
            (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Given)).ShouldBe(-1, file);
    }

    [Fact]
    public async Task A_file_left_by_somebody_else_is_replaced_and_not_written_into()
    {
        if (OperatingSystem.IsWindows())
            return;
        var target = _folder.File("elsewhere");
        await File.WriteAllTextAsync(target, "untouched");
        File.CreateSymbolicLink(_folder.File(AdminToken.FileName), target);
        await EstablishAsync();
        (await File.ReadAllTextAsync(target)).ShouldBe("untouched");
        File.GetUnixFileMode(_folder.File(AdminToken.FileName)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task When_the_store_cannot_keep_it_the_start_fails_and_the_next_makes_another()
    {
        var store = new TestStore(_folder.Path) { Refuse = _ => new JournalUnavailableException("disk full") };
        await using (var journal = new EventJournal(store, 100, NullLogger<EventJournal>.Instance))
            await Should.ThrowAsync<JournalUnavailableException>(() => AdminToken.EstablishAsync(journal, _folder.Path, null, default));
        var admin = await EstablishAsync();
        (await File.ReadAllTextAsync(_folder.File(AdminToken.FileName))).Trim().ShouldBe(admin.MadeNow);
    }

    [Theory]
    [InlineData(Given)]
    [InlineData("5f1c0a9e7b3d2468ace013579bdf2468")]
    [InlineData("correct horse battery staple gun")]
    public void A_strong_token_is_fine(string token) => AdminToken.Defect(token).ShouldBeNull();

    [Theory]
    [InlineData("", "characters")]
    [InlineData("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4", "23 characters")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "placeholder")]
    [InlineData("abababababababababababababab", "placeholder")]
    [InlineData("change-me-to-something-long-please", "placeholder")]
    [InlineData("CHANGEME-o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K", "placeholder")]
    [InlineData("your-token-goes-here-1234567890", "placeholder")]
    [InlineData("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K\n", "white space")]
    [InlineData(" o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K", "white space")]
    [InlineData("schlüssel-o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K", "no visible ASCII")]
    public void A_weak_token_and_one_no_header_can_carry_are_refused_with_the_reason(string token, string reason) =>
        AdminToken.Defect(token).ShouldNotBeNull().ShouldContain(reason);

    [Fact]
    public void A_token_too_long_is_refused()
    {
        var token = string.Concat(Enumerable.Repeat("o5Vw1Yq8Zr3Tb6Nc9Xd2Mf4K", 22));
        AdminToken.Defect(token[..512]).ShouldBeNull();
        AdminToken.Defect(token[..513]).ShouldNotBeNull();
    }

    private async Task<AdminToken> EstablishAsync(string? given = null, string? folder = null)
    {
        folder ??= _folder.Path;
        await using var journal = new EventJournal(SqliteJournalStore.Open(folder, TimeProvider.System), 100, NullLogger<EventJournal>.Instance);
        return await AdminToken.EstablishAsync(journal, folder, given, default);
    }
}
