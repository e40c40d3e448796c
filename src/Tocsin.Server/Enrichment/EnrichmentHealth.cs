using System.ComponentModel.DataAnnotations;

namespace Tocsin.Server.Enrichment;

/// <summary>
/// Which country database answers. database: the name of its file, or <c>shipped</c>; attribution: who must be named where its answers are shown; error: why the configured one is not,
/// or no longer, read. off: there is none.
/// </summary>
internal sealed record GeoHealth(
    [property: AllowedValues("ok", "error", "off")] string Status, string? Database, string? Type, DateTimeOffset? Built, DateTimeOffset? LoadedAt, string? Attribution, string? Error);

/// <summary>How a file of rows stands. file: its name; error: why it is not, or no longer, read, with its lines; the rows are those in use. off: none is configured.</summary>
internal sealed record TableHealth([property: AllowedValues("ok", "error", "off")] string Status, int Rows, string? File, DateTimeOffset? LoadedAt, string? Error);
