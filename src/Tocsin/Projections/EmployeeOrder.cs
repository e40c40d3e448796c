namespace Tocsin.Projections;

/// <summary>
/// The order of employees on the board: ids that are numbers by number (any length), then others by their code units, those nobody
/// was found for last. Two spellings of one number (<c>7</c>, <c>07</c>) stand side by side.
/// </summary>
internal sealed class EmployeeOrder : IComparer<string>
{
    /// <summary>The employee of events nobody was found for.</summary>
    public const string Unknown = "unknown";

    public static EmployeeOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var left = x.AsSpan();
        var right = y.AsSpan();
        var group = GroupOf(left);
        var byGroup = group.CompareTo(GroupOf(right));
        if (byGroup != 0)
            return byGroup;
        if (group == 0)
        {
            var leftDigits = left.TrimStart('0');
            var rightDigits = right.TrimStart('0');
            if (leftDigits.Length != rightDigits.Length)
                return leftDigits.Length.CompareTo(rightDigits.Length);
            var byNumber = leftDigits.SequenceCompareTo(rightDigits);
            if (byNumber != 0)
                return byNumber;
        }
        return left.SequenceCompareTo(right);
    }

    private static int GroupOf(ReadOnlySpan<char> id)
    {
        if (id.SequenceEqual(Unknown))
            return 2;
        return id.Length > 0 && !id.ContainsAnyExceptInRange('0', '9') ? 0 : 1;
    }
}
