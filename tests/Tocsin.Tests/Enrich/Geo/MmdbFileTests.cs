using System.Net;
using System.Text.Json.Nodes;
using Tocsin.Enrich.Geo;

namespace Tocsin.Tests.Enrich.Geo;

public sealed class MmdbFileTests
{
    private static readonly string[] Broken =
    [
        "GeoIP2-City-Test-Broken-Double-Format", "GeoIP2-City-Test-Invalid-Node-Count", "MaxMind-DB-test-broken-pointers-24", "MaxMind-DB-test-broken-search-tree-24",
    ];

    [Theory]
    [InlineData("GeoIP2-City-Test", 250)]
    [InlineData("GeoLite2-ASN-Test", 700)]
    [InlineData("GeoLite2-City-Test", 240)]
    [InlineData("GeoLite2-Country-Test", 240)]
    public void Every_network_answers_as_its_source_says(string name, int atLeast)
    {
        var file = Open($"test-data/{name}.mmdb");
        var networks = JsonNode.Parse(MmdbCorpus.Text($"source-data/{name}.json"))!.AsArray().SelectMany(entry => entry!.AsObject())
            .Select(network => (Range: IpRange.TryParse(network.Key, out var range) ? range : throw new FormatException(network.Key), network.Value)).ToArray();
        networks.Length.ShouldBeGreaterThanOrEqualTo(atLeast);
        foreach (var address in networks.SelectMany(network => new[] { network.Range.First, network.Range.Last, network.Range.First + ((network.Range.Last - network.Range.First) / 3) }))
        {
            // Networks stand in others, and one stands twice: the smallest, last, is what the file was made to say.
            var expected = networks.Where(network => network.Range.Contains(address)).OrderBy(network => network.Range.Last - network.Range.First).ToArray();
            var same = expected.Last(network => network.Range == expected[0].Range).Value;
            JsonNode.DeepEquals(Say(file, address), same).ShouldBeTrue($"{address:x32}: {Say(file, address)} is not {same}");
        }
    }

    [Theory]
    [InlineData("ipv4-24", false)]
    [InlineData("ipv4-28", false)]
    [InlineData("ipv4-32", false)]
    [InlineData("ipv6-24", true)]
    [InlineData("mixed-24", true)]
    [InlineData("mixed-24", false)]
    public void Records_of_every_size_are_read(string name, bool v6)
    {
        var file = Open($"test-data/MaxMind-DB-test-{name}.mmdb");
        foreach (var (asked, answer) in v6
            ? [("::1:ffff:ffff", "::1:ffff:ffff"), ("::2:0:0", "::2:0:0"), ("::2:0:3f", "::2:0:0"), ("::2:0:40", "::2:0:40"), ("::2:0:58", "::2:0:58")]
            : new[] { ("1.1.1.1", "1.1.1.1"), ("1.1.1.3", "1.1.1.2"), ("1.1.1.15", "1.1.1.8"), ("1.1.1.17", "1.1.1.16"), ("1.1.1.32", "1.1.1.32") })
            Say(file, asked)!["ip"]!.GetValue<string>().ShouldBe(name == "mixed-24" && !v6 ? "::" + answer : answer);
        Say(file, v6 ? "1:2::3" : "1.1.1.33").ShouldBeNull();
    }

    [Fact]
    public void A_file_of_ipv4_knows_no_ipv6_address() => Open("test-data/MaxMind-DB-test-ipv4-24.mmdb").Find(Parse("2001:db8::1")).ShouldBe(0);

    [Fact]
    public void A_tree_whose_ipv4_part_is_one_leaf_answers_for_all_of_ipv4() =>
        Say(Open("test-data/MaxMind-DB-no-ipv4-search-tree.mmdb"), "192.0.2.7")!.GetValue<string>().ShouldBe("::/64");

    [Fact]
    public void Every_type_is_read()
    {
        var record = Say(Open("test-data/MaxMind-DB-test-decoder.mmdb"), "1.1.1.1")!;
        JsonNode.DeepEquals(record, JsonNode.Parse("""
            {"array":[1,2,3],"boolean":true,"bytes":"0000002a","double":42.123456,"float":1.1,"int32":-268435456,"map":{"mapX":{"arrayX":[7,8,9],"utf8_stringX":"hello"}},
             "uint128":"1329227995784915872903807060280344576","uint16":100,"uint32":268435456,"uint64":1152921504606846976,"utf8_string":"unicode! ☯ - ♫"}
            """)).ShouldBeTrue(record.ToJsonString());
    }

    [Fact]
    public void Values_in_values_and_behind_pointers_are_read()
    {
        JsonNode.DeepEquals(Say(Open("test-data/MaxMind-DB-test-nested.mmdb"), "1.1.1.1"), JsonNode.Parse("""{"map1":{"map2":{"array":[{"map3":{"a":1,"b":2,"c":3}}]}}}""")).ShouldBeTrue();
        Say(Open("test-data/MaxMind-DB-string-value-entries.mmdb"), "1.1.1.1")!.GetValue<string>().ShouldBe("1.1.1.1/32");
        Say(Open("test-data/MaxMind-DB-test-pointer-decoder.mmdb"), "1.1.1.0")!.ToJsonString().ShouldContain("\"arrayX\":[");
    }

    [Fact]
    public void Pointers_in_the_metadata_are_read() =>
        Open("test-data/MaxMind-DB-test-metadata-pointers.mmdb").Metadata.Type.ShouldBe("Lots of pointers in metadata");

    [Fact]
    public void Good_files_are_taken_and_broken_ones_refused_before_they_are_used()
    {
        foreach (var path in MmdbCorpus.Files("test-data"))
        {
            var (file, error) = MmdbFile.Read(MmdbCorpus.Bytes(path));
            (file is null).ShouldBe(Broken.Contains(Path.GetFileNameWithoutExtension(path)), $"{path}: {error}");
            (error is null).ShouldBe(file is not null, path);
        }
    }

    [Fact]
    public void Bad_files_are_refused_or_have_no_answer()
    {
        var files = MmdbCorpus.Files("bad-data");
        files.Count.ShouldBeGreaterThan(10);
        foreach (var path in files)
            Ask(MmdbFile.Read(MmdbCorpus.Bytes(path)).File);
        // One holds nodes that nothing leads to, and never could mislead a look-up; the other is whole, and ends where careless readers read on.
        files.Where(path => MmdbFile.Read(MmdbCorpus.Bytes(path)).File is not null).Select(Path.GetFileNameWithoutExtension).ShouldBe(["libmaxminddb-corrupt-search-tree", "libmaxminddb-empty-map-last-in-metadata"]);
    }

    [Theory]
    [InlineData("GeoLite2-Country-Test", 400)]
    [InlineData("MaxMind-DB-test-mixed-24", 1_500)]
    [InlineData("MaxMind-DB-test-ipv4-28", 1_500)]
    public void A_file_with_some_bytes_wrong_never_throws_nor_hangs(string name, int times)
    {
        var good = MmdbCorpus.Bytes($"test-data/{name}.mmdb");
        var random = new Random(20260304);
        var taken = 0;
        for (var i = 0; i < times; i++)
        {
            var bad = (byte[])good.Clone();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            var cut = random.Next(20) == 0 ? bad[..random.Next(bad.Length)] : bad;
            var file = MmdbFile.Read(cut).File;
            taken += file is null ? 0 : 1;
            Ask(file);
            _ = CountryDatabase.Read(cut).Database?.CountryOf(Parse("81.2.69.160"));
        }
        taken.ShouldBeInRange(1, times - 1);
    }

    /// <summary>What a file says is asked for as if it had never been checked: a look-up alone must be safe too.</summary>
    [Fact]
    public void Values_that_were_not_checked_are_read_without_harm()
    {
        var random = new Random(7);
        var bytes = new byte[4_096];
        for (var i = 0; i < 3_000; i++)
        {
            random.NextBytes(bytes);
            var section = new MmdbSection(bytes, 64, bytes.Length - 64);
            var at = random.Next(-10, bytes.Length + 10);
            MmdbJson.Read(section, at);
            var budget = MmdbSection.MaxValues;
            if (section.TryRead(at, out var item))
                section.Text(item, "country"u8, ref budget);
        }
    }

    [Fact]
    public void A_record_of_endless_values_has_no_answer_and_ends_soon()
    {
        // A map of 16 million entries, each an array that holds itself.
        byte[] bytes = [0xFF, 0xFF, 0xFF, 0xFF, .. Enumerable.Repeat<byte>(0x40, 60_000)];
        var section = new MmdbSection(bytes, 0, bytes.Length);
        section.TryRead(0, out var map).ShouldBeTrue();
        var (at, check, budget) = (0, MmdbSection.MaxValues, MmdbSection.MaxValues);

        section.Text(map, "country"u8, ref budget).IsEmpty.ShouldBeTrue();
        section.Check(ref at, 0, ref check).ShouldBeFalse();

        (budget, check).ShouldBe((-1, -1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no database")]
    [InlineData("\u00ab\u00cd\u00efMaxMind.com")]
    public void What_is_no_database_is_refused(string text)
    {
        var (file, error) = MmdbFile.Read(System.Text.Encoding.Latin1.GetBytes(text));
        (file, string.IsNullOrEmpty(error)).ShouldBe((null, false));
    }

    private static MmdbFile Open(string path) => MmdbFile.Read(MmdbCorpus.Bytes(path)) is { File: { } file } ? file : throw new InvalidDataException(path);

    private static JsonNode? Say(MmdbFile file, string address) => Say(file, Parse(address));

    private static JsonNode? Say(MmdbFile file, UInt128 address) => file.Find(address) is var at and not 0 ? MmdbJson.Read(file.Data, at) : null;

    private static UInt128 Parse(string address) => IpRange.TryAddress(address, out var parsed) ? parsed : throw new FormatException(address);

    private static void Ask(MmdbFile? file)
    {
        if (file is null)
            return;
        foreach (var address in new[] { "0.0.0.0", "1.1.1.1", "81.2.69.160", "255.255.255.255", "::", "2001:218::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" })
            _ = Say(file, IPAddress.Parse(address).ToString());
        foreach (var place in file.Places().Take(1_000))
            MmdbJson.Read(file.Data, place);
    }
}
