using Microsoft.Playwright;

namespace Tocsin.SystemTests.Dashboard;

/// <summary>Every page opens with real records, and does nothing that a page must not do.</summary>
public sealed class BrowserPageTests(Dashboards dashboards) : BrowserTest(dashboards)
{
    [Theory]
    [InlineData("", "Overview")]
    [InlineData("#/people", "People")]
    [InlineData("#/alerts", "Alerts")]
    [InlineData("#/events", "Events")]
    [InlineData("#/sources", "Sources")]
    [InlineData("#/settings", "Settings")]
    public async Task A_page_opens_under_its_name(string hash, string title)
    {
        var visit = await DemoAsync();
        await visit.GoAsync(hash);
        await Assertions.Expect(visit.Page).ToHaveTitleAsync($"{title} · Tocsin");
        await Expect(visit.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = title, Exact = true, Level = 1 })).ToBeAttachedAsync();
    }
}
