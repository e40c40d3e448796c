namespace Tocsin.SystemTests.Kit;

/// <summary>A source file for the mock's incident API.</summary>
internal sealed record SourceYaml(string BaseUrl)
{
    public static readonly string[] AllTypes = ["denial", "intrusion", "executable", "misuse", "unauthorized", "probing", "other"];

    public string Name { get; init; } = "elevate";

    public string Every { get; init; } = "500ms";

    public string Timeout { get; init; } = "10s";

    public string Retry { get; init; } = "{ attempts: 3, min_wait: 100ms, max_wait: 500ms }";

    public IReadOnlyList<string> Types { get; init; } = AllTypes;

    public override string ToString() => $$"""
        name: {{Name}}
        kind: incident
        base_url: {{BaseUrl}}
        auth: { basic: { username: "${env:MOCK_USER}", password: "${env:MOCK_PASSWORD}" } }
        every: {{Every}}
        timeout: {{Timeout}}
        retry: {{Retry}}
        identities: { get: /identities/, shape: ip_to_user }
        requests:
        {{string.Join('\n', Types.Select(type => $"  - {{ get: /incidents/{type}/, set: {{ type: {type} }} }}"))}}
        records: results
        map:
          time: timestamp
          priority: priority
          user_id: [employee_id, reported_by, identifier, internal_ip, machine_ip, ip]
          src_ip: source_ip

        """;
}
