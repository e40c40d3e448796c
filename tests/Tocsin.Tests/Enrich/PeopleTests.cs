using System.Text;
using Tocsin.Enrich;

namespace Tocsin.Tests.Enrich;

public sealed class PeopleTests
{
    private const string File = "user_id,name,email,team,manager\n4506,\"Doe, Ann\",ann@example.com,SOC,4501\n4501,Bo,bo@example.com,SOC,\n9,,,,\n";

    [Fact]
    public void People_are_listed_by_id_page_by_page()
    {
        var people = Read(File);
        people.List([], null, null, 2).ShouldBe([new Person("4501", "Bo", "bo@example.com", "SOC", null), new Person("4506", "Doe, Ann", "ann@example.com", "SOC", "4501")]);
        people.List([], null, "4506", 2).ShouldBe([new Person("9", null, null, null, null)]);
        people.List([], null, "9", 2).ShouldBeEmpty();
        people.List(["9", "4501", "9", "nobody"], null, null, 10).Select(person => person.UserId).ShouldBe(["4501", "9"]);
        people.List(["9", "4501"], null, "4501", 10).Select(person => person.UserId).ShouldBe(["9"]);
        people.List([], "DOE", null, 10).Select(person => person.UserId).ShouldBe(["4506"]);
        people.List([], "4501", null, 10).Select(person => person.UserId).ShouldBe(["4501", "4506"]);
    }

    [Theory]
    [InlineData("name\n", "line 1: the column user_id is missing")]
    [InlineData("user_id,phone\n", "line 1: there is no column \"phone\"; the columns are user_id,name,email,team,manager")]
    [InlineData("user_id,name\n1,a\n2,b\n1,c\n", "line 4: user_id: 1 stands in line 2 already")]
    [InlineData("user_id,name\n,a\n", "line 2: user_id: expected 1 to 200")]
    public void A_file_with_a_mistake_is_refused_with_its_line(string text, string expected)
    {
        var (people, mistakes) = People.Read(Encoding.UTF8.GetBytes(text));
        people.ShouldBeNull();
        mistakes[0].ToString().ShouldStartWith(expected);
    }

    [Fact]
    public void More_people_than_may_be_are_refused() =>
        People.Read(Encoding.UTF8.GetBytes("user_id\n" + string.Concat(Enumerable.Range(0, People.MaxRows + 1).Select(i => i + "\n")))).Mistakes.ShouldHaveSingleItem().Message
            .ShouldBe("the file has 200,001 rows, at most 200,000 are read");

    [Fact]
    public void Another_file_has_another_fingerprint() => Read(File).Fingerprint.ShouldNotBe(Read(File + "10,,,,\n").Fingerprint);

    private static People Read(string text)
    {
        var (people, mistakes) = People.Read(Encoding.UTF8.GetBytes(text));
        mistakes.ShouldBeEmpty();
        return people!;
    }
}
