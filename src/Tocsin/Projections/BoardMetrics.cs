using System.Diagnostics.Metrics;

namespace Tocsin.Projections;

/// <summary>What the board tells of itself.</summary>
public static class BoardMetrics
{
    /// <summary>Lets <paramref name="meter"/> see how much the board holds, and how far it has read.</summary>
    public static void Observe(Meter meter, IncidentBoard board)
    {
        meter.CreateObservableGauge("tocsin_board_events", () => (long)board.Count, null, "Events on the board.");
        meter.CreateObservableGauge("tocsin_board_sequence", () => board.Sequence, null, "The sequence up to which the board has read the journal.");
    }
}
