using Tocsin.Collect;

namespace Tocsin.Tests.Collect;

/// <summary>A secret is shown only to whom a configured source shows it: the client secret of OAuth 2.0 to the token endpoint, all else to the upstream.</summary>
public sealed class TrialRulesTests
{
    private const string Login = "https://login.example";
    private static readonly SourceDefinition Configured = Source($"auth: {{ oauth2: {{ token_url: {Login}/token, client_id: me, client_secret: \"${{env:TOKEN}}\" }} }}");

    [Theory]
    [InlineData("auth: { oauth2: { token_url: https://login.example/token, client_id: me, client_secret: \"${env:TOKEN}\" } }", true)]
    [InlineData("auth: { oauth2: { token_url: https://evil.example/token, client_id: me, client_secret: \"${env:TOKEN}\" } }", false)]
    [InlineData("auth: { bearer: \"${env:TOKEN}\" }", false)]
    [InlineData("identities: { get: \"/who?k=${env:TOKEN}\", shape: ip_to_user }\nauth: { oauth2: { token_url: https://login.example/token, client_id: me, client_secret: \"${env:TOKEN}\" } }", false)]
    public void The_secret_of_a_token_endpoint_stays_there(string auth, bool may) => (TrialRules.Refusal(Source(auth), [Configured]) is null).ShouldBe(may);

    [Fact]
    public void The_secret_of_an_upstream_is_not_shown_to_the_token_endpoint_of_another_file()
    {
        var configured = Source("auth: { bearer: \"${env:TOKEN}\" }");
        TrialRules.Refusal(configured, [configured]).ShouldBeNull();
        TrialRules.Refusal(Configured, [configured]).ShouldNotBeNull();
        TrialRules.Refusal(Configured, [configured, Configured]).ShouldBeNull();
    }

    private static SourceDefinition Source(string more) => SomeSource.Valid(SomeSource.Yaml(more));
}
