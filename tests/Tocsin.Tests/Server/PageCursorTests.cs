using System.Buffers.Text;
using System.Text;
using Tocsin.Server.Api;

namespace Tocsin.Tests.Server;

public sealed class PageCursorTests
{
    [Theory]
    [InlineData("4506")]
    [InlineData("unknown")]
    [InlineData("é 😀 \0 \n \" <>;,")]
    [InlineData("x")]
    public void A_cursor_says_where_the_page_ended(string after)
    {
        var cursor = PageCursor.Write("a=1", after);
        PageCursor.Read(cursor, "a=1", out var reason).ShouldBe(after);
        reason.ShouldBeNull();
        cursor.ShouldAllBe(c => char.IsAsciiLetterOrDigit(c) || c == '-' || c == '_');
    }

    [Fact]
    public void Of_another_filter_it_says_so() =>
        (PageCursor.Read(PageCursor.Write("a=1", "4506"), "a=2", out var reason), reason.ShouldNotBeNull().Contains("another filter", StringComparison.Ordinal)).ShouldBe((null, true));

    [Fact]
    public void Cut_anywhere_or_changed_in_any_character_it_never_throws_and_never_says_another_place_in_silence()
    {
        var cursor = PageCursor.Write("a=1", "4506");
        for (var length = 0; length < 12; length++)
            PageCursor.Read(cursor[..length], "a=1", out var reason).ShouldBeNull();
        for (var i = 0; i < 10; i++)
            foreach (var c in "Az0-_=+/ %é\0")
            {
                var changed = cursor[..i] + c + cursor[(i + 1)..];
                if (changed != cursor)
                    PageCursor.Read(changed, "a=1", out _).ShouldBeNull();
            }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("====")]
    [InlineData("AAAA AAAA AAAA AAAA")]
    [InlineData("\uD800")]
    public void Garbage_is_told_from_a_cursor(string text)
    {
        PageCursor.Read(text, "", out var reason).ShouldBeNull();
        reason.ShouldNotBeNull();
    }

    [Fact]
    public void Bytes_that_are_no_text_and_a_text_too_long_are_garbage()
    {
        var hash = Base64Url.DecodeFromChars(PageCursor.Write("f", "x"))[..8];
        PageCursor.Read(Base64Url.EncodeToString([.. hash, 0xFF]), "f", out _).ShouldBeNull();
        PageCursor.Read(Base64Url.EncodeToString([.. hash]), "f", out _).ShouldBeNull();
        PageCursor.Read(Base64Url.EncodeToString([.. hash, .. Encoding.UTF8.GetBytes(new string('x', 5_000))]), "f", out _).ShouldBeNull();
    }

    [Fact]
    public void The_longest_id_a_directory_holds_makes_a_cursor_that_is_taken_back()
    {
        var longest = new string('语', Tocsin.Enrich.IdentityDirectory.MaxUserIdCharacters);
        PageCursor.Read(PageCursor.Write("f", longest), "f", out _).ShouldBe(longest);
    }
}
