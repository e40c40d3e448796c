using System.Text;
using System.Text.Json;
using Tocsin.Collect;
using Tocsin.Enrich;

namespace Tocsin.Tests.Collect;

public sealed class IdentityFormatTests
{
    private static readonly IdentitiesDefinition Json = new() { Get = "/identities/" };
    private static readonly IdentitiesDefinition Csv = new() { File = "/x/who.CSV" };

    [Fact]
    public void A_JSON_object_gives_addresses_and_ids_as_text()
    {
        var (users, refused, failure) = Read(Json, """{"17.0.0.1":4506,"::FFFF:17.0.0.2":"a b","2001:DB8::A":12345678901234567890,"17.0.0.3":"0042"}""");
        failure.ShouldBeNull();
        refused.ShouldBeEmpty();
        users.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}")
            .ShouldBe(["17.0.0.1=4506", "17.0.0.2=a b", "17.0.0.3=0042", "2001:db8::a=12345678901234567890"]);
    }

    [Fact]
    public void What_is_no_address_or_no_id_is_refused_alone()
    {
        byte[] body = [.. """{"386255":1,"017.0.0.1":2,"":3,"host":4,"17.0.0.1":null,"17.0.0.2":true,"17.0.0.3":{},"17.0.0.4":[],"17.0.0.5":"","17.0.0.6":"\ud800","\ud800":7,"17.0.0.7":" "  ,"17.0.0.8":"""u8,
            (byte)'"', 0xFF, .. "\",\"17.0.0.9\":9}"u8];
        var (users, refused, failure) = Read(Json, body);
        failure.ShouldBeNull();
        users.ShouldBe(new Dictionary<string, string>(StringComparer.Ordinal) { ["17.0.0.9"] = "9" });
        refused.Count.ShouldBe(13);
        foreach (var reject in refused)
            JsonElement.Parse(reject.Record).ValueKind.ShouldBe(JsonValueKind.Object);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("{\"17.0.0.1\":1")]
    public void An_answer_that_is_no_object_fails_as_a_whole(string body) => Read(Json, body).Failure.ShouldNotBeNull().Kind.ShouldBe(FetchFailureKind.Malformed);

    [Fact]
    public void An_empty_object_is_an_answer() => Read(Json, "{}").Failure.ShouldBeNull();

    [Fact]
    public void A_CSV_file_gives_the_same()
    {
        var (users, refused, failure) = Read(Csv, "\uFEFFIP, User_Id\r\n17.0.0.1,4506\r\n\r\n# a comment, and more\r\n ::FFFF:17.0.0.2 ,  a b \r\n2001:DB8::A,x");
        failure.ShouldBeNull();
        refused.ShouldBeEmpty();
        users.Select(pair => $"{pair.Key}={pair.Value}").ShouldBe(["17.0.0.1=4506", "17.0.0.2=a b", "2001:db8::a=x"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("17.0.0.1,4506\n")]
    [InlineData("user_id,ip\n4506,17.0.0.1\n")]
    [InlineData("ip;user_id\n17.0.0.1;4506\n")]
    [InlineData("ip,user_id,from\n17.0.0.1,4506,x\n")]
    [InlineData("\0\0\0")]
    public void A_CSV_file_without_its_header_fails_as_a_whole(string body) => Read(Csv, body).Failure.ShouldNotBeNull().Message.ShouldContain("ip,user_id");

    [Theory]
    [InlineData("17.0.0.1")]
    [InlineData("17.0.0.1,")]
    [InlineData(",4506")]
    [InlineData("host,4506")]
    [InlineData("17.0.0.1/24,4506")]
    [InlineData("17.0.0.1;4506")]
    [InlineData("17.0.0.1,4506,2026-01-01")]
    [InlineData("17.0.0.1,\"4506\"")]
    [InlineData("\"17.0.0.1\",4506")]
    [InlineData("17.0.0.1,45\uFFFD06")]
    public void A_hostile_row_is_refused_alone_and_kept_as_it_stands(string row)
    {
        var (users, refused, failure) = Read(Csv, $"ip,user_id\n{row}\n17.0.0.9,9\n");
        failure.ShouldBeNull();
        users.ShouldBe(new Dictionary<string, string>(StringComparer.Ordinal) { ["17.0.0.9"] = "9" });
        JsonElement.Parse(refused.ShouldHaveSingleItem().Record).GetString().ShouldBe(row);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused_with_their_row()
    {
        var (users, refused, failure) = Read(Csv, [.. "ip,user_id\n17.0.0.1,J"u8, 0xF6, .. "rg\n17.0.0.9,9\n"u8]);
        failure.ShouldBeNull();
        users.Keys.ShouldBe(["17.0.0.9"]);
        refused.Count.ShouldBe(1);
    }

    [Fact]
    public void An_id_longer_than_one_may_assign_by_hand_is_refused()
    {
        var id = new string('x', 201);
        Read(Json, $$"""{"17.0.0.1":"{{id}}","17.0.0.2":"{{id[1..]}}"}""").Users.Keys.ShouldBe(["17.0.0.2"]);
        Read(Csv, $"ip,user_id\n17.0.0.1,{id}\n17.0.0.2,{id[1..]}\n").Users.Keys.ShouldBe(["17.0.0.2"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rows_that_are_equal_are_kept_aside_once_however_many(bool isJson)
    {
        var rows = Enumerable.Repeat(isJson ? "\"\":\"\"" : ",", RejectStore.MaxKept + 3);
        var body = isJson ? $"{{{string.Join(',', rows)}}}" : $"ip,user_id\n{string.Join('\n', rows)}";
        var answer = IdentityFormat.Read(isJson ? Json : Csv, Encoding.UTF8.GetBytes(body)).Answer.ShouldNotBeNull();
        (answer.Rejects.Count, answer.MoreRejects, answer.Rejected).ShouldBe((1, 0, RejectStore.MaxKept + 3));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_what_is_refused_no_more_is_held_than_could_be_kept_and_the_others_are_counted(bool isJson)
    {
        var entries = Enumerable.Range(0, RejectStore.MaxKept + 3).Select(i => isJson ? $"\"host-{i}\":7" : $"host-{i},7").Append(isJson ? "\"17.0.0.9\":9" : "17.0.0.9,9");
        var body = isJson ? $"{{{string.Join(',', entries)}}}" : $"ip,user_id\n{string.Join('\n', entries)}";
        var answer = IdentityFormat.Read(isJson ? Json : Csv, Encoding.UTF8.GetBytes(body)).Answer.ShouldNotBeNull();
        (answer.Users.Count, answer.Rejects.Count, answer.MoreRejects, answer.Rejected).ShouldBe((1, RejectStore.MaxKept, 3, RejectStore.MaxKept + 3));
        answer.Rejects[0].Request.ShouldBe("identities");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void More_addresses_than_a_directory_takes_fail_as_a_whole(bool isJson)
    {
        string Body(int addresses)
        {
            var entries = Enumerable.Range(0, addresses).Select(i => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}").Select(ip => isJson ? $"\"{ip}\":7" : $"{ip},7");
            return isJson ? $"{{{string.Join(',', entries)}}}" : $"ip,user_id\n{string.Join('\n', entries)}";
        }
        Read(isJson ? Json : Csv, Body(IdentityDirectory.MaxAddresses)).Users.Count.ShouldBe(IdentityDirectory.MaxAddresses);
        var failure = Read(isJson ? Json : Csv, Body(IdentityDirectory.MaxAddresses + 1)).Failure.ShouldNotBeNull();
        (failure.Kind, failure.Message).ShouldBe((FetchFailureKind.TooLarge, "the identities are of more than 1,000,000 addresses"));
    }

    [Fact]
    public void An_address_that_stands_twice_has_the_last_id()
    {
        Read(Json, """{"17.0.0.1":1,"::ffff:17.0.0.1":2}""").Users["17.0.0.1"].ShouldBe("2");
        Read(Csv, "ip,user_id\n17.0.0.1,1\n17.0.0.1,2\n").Users["17.0.0.1"].ShouldBe("2");
    }

    private static (IReadOnlyDictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Read(IdentitiesDefinition definition, string body) =>
        Read(definition, Encoding.UTF8.GetBytes(body));

    private static (IReadOnlyDictionary<string, string> Users, IReadOnlyList<RejectedRecord> Refused, FetchFailure? Failure) Read(IdentitiesDefinition definition, byte[] body)
    {
        var (answer, failure) = IdentityFormat.Read(definition, body);
        (answer is null).ShouldBe(failure is not null);
        answer?.MoreRejects.ShouldBe(0);
        return (answer?.Users ?? new Dictionary<string, string>(StringComparer.Ordinal), answer?.Rejects ?? [], failure);
    }
}
