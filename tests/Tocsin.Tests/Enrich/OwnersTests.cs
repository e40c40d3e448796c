using System.Text;
using Tocsin.Enrich;

namespace Tocsin.Tests.Enrich;

public sealed class OwnersTests
{
    private const string Header = "match,user_id,from,to\n";

    [Theory]
    [InlineData("10.1.2.3", "2026-03-01", "host")]          // an address is the most specific network
    [InlineData("10.1.2.4", "2026-03-01", "lab")]
    [InlineData("10.1.9.9", "2026-03-01", "office")]
    [InlineData("10.9.9.9", "2026-03-01", "all")]
    [InlineData("11.0.0.1", "2026-03-01", null)]
    [InlineData("10.1.2.4", "2026-06-30", "lab")]
    [InlineData("10.1.2.4", "2026-07-01", "office")]        // what no longer holds gives way to the larger network
    [InlineData("2001:db8::1", "2026-03-01", "six")]
    public void The_most_specific_network_that_holds_at_the_time_answers(string address, string day, string? expected) => Of(Read("""
        match,user_id,from,to
        10.0.0.0/8,all,,
        10.1.2.0/24,lab,,2026-07-01
        10.1.0.0/16,office,,
        10.1.2.3,host,,
        2001:db8::/32,six,,
        """), address, day).ShouldBe(expected);

    [Fact]
    public void Of_rows_that_hold_at_once_the_latest_beginning_answers_then_the_last_row()
    {
        var owners = Read(Header + "10.0.0.0/8,a,2026-01-01,\n10.0.0.0/8,b,2026-02-01,2026-03-01\n10.0.0.0/8,c,,\n10.0.0.0/8,d,2026-01-01,\n");
        new[] { "2025-12-31", "2026-01-01", "2026-02-01", "2026-03-01" }.Select(day => Of(owners, "10.0.0.1", day)).ShouldBe(["c", "d", "b", "d"]);
    }

    [Fact]
    public void A_name_answers_in_any_case_and_only_as_a_whole()
    {
        var owners = Read(Header + "PC-0815,4506,,\nfw/east,17,,\n\"printer, 2nd floor\",18,,\n");
        new[] { "pc-0815", "PC-081", "FW/EAST", "printer, 2nd floor" }.Select(name => owners.Of(name, Time("2026-01-01"))?.Holder.UserId).ShouldBe(["4506", null, "17", "18"]);
    }

    [Fact]
    public void An_attribution_by_owners_says_the_row_and_what_was_looked_up()
    {
        var directory = new IdentityDirectory { Owners = Read(Header + "10.1.0.0/16,A,,\npc-1,B,,\n386255,C,,\n") };

        directory.Resolve("s", "10.1.2.3", isId: false, Time("2026-01-01")).ShouldBe(("A", new Attribution(AttributionRule.Owner, "owners:10.1.0.0/16", "10.1.2.3")));
        directory.Resolve("s", "PC-1", isId: false, Time("2026-01-01")).ShouldBe(("B", new Attribution(AttributionRule.Owner, "owners:pc-1", "PC-1")));
        directory.Resolve("s", "386255", isId: true, Time("2026-01-01")).ShouldBe(("386255", Attribution.FromRecord));
        directory.Resolve("s", "pc-2", isId: false, Time("2026-01-01")).ShouldBe(("pc-2", Attribution.FromRecord));
        directory.Resolve("s", "10.2.0.1", isId: false, Time("2026-01-01")).ShouldBe((null, new Attribution(AttributionRule.Unresolved, null, "10.2.0.1")));
    }

    [Fact]
    public void Directories_and_assignments_by_hand_are_asked_before_owners()
    {
        var directory = new IdentityDirectory { Owners = Read(Header + "10.1.0.0/16,A,,\n") };
        foreach (var change in directory.Observe("s", new Dictionary<string, string>(StringComparer.Ordinal) { ["10.1.2.3"] = "B" }, DateTimeOffset.UnixEpoch))
            directory.Apply(change);

        directory.Resolve("other", "10.1.2.3", isId: false, Time("2026-01-01")).ShouldBe(("B", new Attribution(AttributionRule.Identity, "s", "10.1.2.3")));
    }

    [Theory]
    [InlineData("match,user_id,from,to\n10.0.0.0/33,a,,\n", "line 2: match: \"10.0.0.0/33\" is neither an address nor a network")]
    [InlineData("match,user_id,from,to\n10.0.0.300,a,,\n", "line 2: match: \"10.0.0.300\" is neither")]
    [InlineData("match,user_id,from,to\n,a,,\n", "line 2: match: expected a network, an address, or the name")]
    [InlineData("match,user_id,from,to\n# a remark\n\n10.0.0.0/8,,,\n", "line 4: user_id: expected 1 to 200")]
    [InlineData("match,user_id,from,to\n10.0.0.0/8,a,yesterday,\n", "line 2: from and to: expected a day")]
    [InlineData("match,user_id,from,to\n10.0.0.0/8,a,2026-02-01,2026-01-01\n", "line 2: to: expected a time after from")]
    [InlineData("match,user_id,from,to\n10.0.0.0/8,a\n", "line 2: has 2 cells, the header 4")]
    [InlineData("match,user_id,from,to\n\"10.0.0.0/8,a,,\n", "line 2: a quote is never closed")]
    [InlineData("match,user_id,from,to\n\"10.0.0.0/8\"x,a,,\n", "line 2: something stands behind a closing quote")]
    [InlineData("match,user_id,from,to\n10.0\"0.0,a,,\n", "line 2: a quote within a cell")]
    [InlineData("match,user,from,to\n", "line 1: there is no column \"user\"; the columns are match,user_id,from,to")]
    [InlineData("match,match,user_id\n", "line 1: the column match stands twice")]
    [InlineData("match\n", "line 1: the column user_id is missing")]
    [InlineData("", "line 1: expected a first line with the columns match,user_id,from,to")]
    public void A_file_with_a_mistake_is_refused_with_its_line(string text, string expected)
    {
        var (owners, mistakes) = Owners.Read(Encoding.UTF8.GetBytes(text));
        owners.ShouldBeNull();
        mistakes[0].ToString().ShouldStartWith(expected);
    }

    [Fact]
    public void Twenty_mistakes_are_told_and_the_others_counted()
    {
        var mistakes = Owners.Read(Encoding.UTF8.GetBytes(Header + string.Concat(Enumerable.Repeat("10.0.0.0/99,a,,\n", 25)))).Mistakes;
        (mistakes.Count, mistakes[19].Line, mistakes[20].ToString()).ShouldBe((21, 21, "and 5 more"));
    }

    [Fact]
    public void What_is_not_utf8_is_refused() => Owners.Read([.. Encoding.UTF8.GetBytes(Header), 0xFF]).Mistakes.ShouldHaveSingleItem().Message.ShouldBe("the file is not UTF-8");

    [Fact]
    public void More_rows_than_may_be_are_refused() =>
        Owners.Read(Encoding.UTF8.GetBytes(Header + string.Concat(Enumerable.Repeat("a,b,,\n", Owners.MaxRows + 1)))).Mistakes.ShouldHaveSingleItem().Message
            .ShouldBe("the file has 1,000,001 rows, at most 1,000,000 are read");

    [Fact]
    public void Columns_stand_in_any_order_with_a_byte_order_mark_and_windows_line_ends()
    {
        var owners = Read("\uFEFFto, USER_ID ,match\r\n2027-01-01,\"a\n\"\"b\"\"\",x\r\n".Replace("\"a\n\"\"b\"\"\"", "a", StringComparison.Ordinal));
        (owners.Rows, owners.Of("x", Time("2026-12-31"))?.Holder.UserId, owners.Of("x", Time("2027-01-01"))).ShouldBe((1, "a", null));
    }

    [Fact]
    public void Many_rows_answer_as_a_look_at_each_would()
    {
        var random = new Random(4);
        var rows = Enumerable.Range(0, 5_000).Select(i => (Match: $"10.{random.Next(4)}.{random.Next(256)}.0/{random.Next(8, 33)}", User: $"u{i}")).ToArray();
        var owners = Read(Header + string.Concat(rows.Select(row => $"{row.Match},{row.User},,\n")));
        for (var i = 0; i < 2_000; i++)
        {
            var address = $"10.{random.Next(5)}.{random.Next(256)}.{random.Next(256)}";
            var expected = rows.Where(row => IpRange.TryParse(row.Match, out var range) && range.Contains(address)).Select((row, at) => (row, at))
                .OrderByDescending(row => int.Parse(row.row.Match.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture)).ThenByDescending(row => row.at).Select(row => row.row.User).FirstOrDefault();
            Of(owners, address, "2026-01-01").ShouldBe(expected, address);
        }
    }

    private static Owners Read(string text)
    {
        var (owners, mistakes) = Owners.Read(Encoding.UTF8.GetBytes(text));
        mistakes.ShouldBeEmpty();
        return owners!;
    }

    private static string? Of(Owners owners, string address, string day)
    {
        IpRange.TryAddress(address, out var number).ShouldBeTrue();
        var found = owners.Of(number, Time(day))?.Holder.UserId;
        if (found is not null)
            owners.Knows(number).ShouldBeTrue();
        return found;
    }

    private static EventTime Time(string day) => EventTime.TryParse(day + "T00:00:00Z", out var time) ? time : throw new FormatException(day);
}
