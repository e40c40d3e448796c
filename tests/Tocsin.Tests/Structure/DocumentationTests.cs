using System.Reflection;
using System.Xml.Linq;
using Tocsin.Engines.Sqlite;

namespace Tocsin.Tests.Structure;

/// <summary>What other projects may use says what it is.</summary>
public sealed class DocumentationTests
{
    [Fact]
    public void Every_public_type_of_the_product_has_a_summary() => Undocumented(typeof(SecurityEvent).Assembly).ShouldBeEmpty();

    [Fact]
    public void Every_public_type_of_the_engines_has_a_summary() => Undocumented(typeof(SqliteJournalStore).Assembly).ShouldBeEmpty();

    private static IEnumerable<string> Undocumented(Assembly assembly)
    {
        var documentation = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml"));
        var documented = documentation.Descendants("member")
            .Where(member => !string.IsNullOrWhiteSpace(member.Element("summary")?.Value))
            .Select(member => member.Attribute("name")!.Value).ToHashSet(StringComparer.Ordinal);
        var types = assembly.GetExportedTypes();
        types.ShouldNotBeEmpty();
        return types.Select(type => type.FullName!.Replace('+', '.')).Where(name => !documented.Contains("T:" + name));
    }
}
