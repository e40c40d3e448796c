using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

public sealed class SecretTests
{
    [Fact]
    public void Each_way_to_authenticate_takes_its_secret_from_outside()
    {
        Auth("{ basic: { username: me, password: \"${env:PASSWORD}\" } }").ShouldBe(new BasicAuth("me", SomeSource.PasswordValue));
        Auth("{ bearer: \"${env:TOKEN}\" }").ShouldBe(new BearerAuth(SomeSource.TokenValue));
        Auth("{ bearer: { token: \"${env:TOKEN}\" } }").ShouldBe(new BearerAuth(SomeSource.TokenValue));
        Auth("{ header: { name: X-Api-Key, value: \"SSWS ${env:TOKEN}\" } }").ShouldBe(new HeaderAuth("X-Api-Key", "SSWS " + SomeSource.TokenValue));
    }

    [Theory]
    [InlineData("{ basic: { username: me, password: \"${env:PASSWORD}\" } }")]
    [InlineData("{ bearer: \"${env:TOKEN}\" }")]
    [InlineData("{ header: { name: X-Api-Key, value: \"${env:TOKEN}\" } }")]
    public void A_secret_is_never_printed(string auth)
    {
        var source = SomeSource.Valid(SomeSource.Yaml($"auth: {auth}"));

        var printed = $"{source} {source.Auth} {source.Auth!.GetType().GetMethod("ToString", [])!.Invoke(source.Auth, [])}";

        printed.ShouldNotContain(SomeSource.PasswordValue);
        printed.ShouldNotContain(SomeSource.TokenValue);
    }

    [Theory]
    [InlineData("ftp://")]
    [InlineData("https://me:")]
    public void A_base_url_from_the_environment_is_quoted_as_written(string before)
    {
        var result = SourceFile.Parse(SomeSource.Yaml().Replace("https://incidents.example.com", "\"${env:URL}\"", StringComparison.Ordinal), "a.yaml", ".",
            new SecretResolver(_ => before + SomeSource.PasswordValue + "@host"));

        var error = result.Errors.ShouldHaveSingleItem().ToString();
        error.ShouldContain("${env:URL}");
        error.ShouldNotContain(SomeSource.PasswordValue);
    }

    [Fact]
    public void A_file_is_relative_to_the_folder_and_loses_its_last_line_ends()
    {
        var folder = Directory.CreateTempSubdirectory();
        File.WriteAllText(Path.Combine(folder.FullName, "secret"), "a b\r\n\n");

        SomeSource.Secrets.Resolve("x${file:./secret}y", folder.FullName, out var problem).ShouldBe("xa by");

        problem.ShouldBeNull();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void All_references_that_fail_are_named_together()
    {
        SomeSource.Secrets.Resolve("${env:A}${env:TOKEN}${file:b}${c}${env:EMPTY}", "/no/such", out var problem).ShouldBeNull();

        problem.ShouldBe("environment variable A is not set, or empty; file b does not exist; ${c} is neither ${env:NAME} nor ${file:PATH}; " +
            "environment variable EMPTY is not set, or empty");
    }

    [Fact]
    public void A_value_that_looks_like_a_reference_is_not_resolved_again() =>
        new SecretResolver(_ => "${env:OTHER}").Resolve("${env:A}", ".", out _).ShouldBe("${env:OTHER}");

    private static SourceAuth? Auth(string yaml) => SomeSource.Valid(SomeSource.Yaml($"auth: {yaml}")).Auth;
}
