namespace Tocsin.Projections;

/// <summary>
/// Collects a body out of slices of texts that are there anyway, and a little text in between. Slices that touch become one, so that a
/// lightly filtered board is few fragments and no copy.
/// </summary>
internal sealed class FragmentWriter
{
    private const int PageBytes = 4096;

    private readonly List<ReadOnlyMemory<byte>> fragments = [];
    private byte[] page = [];
    private int pageEnd;
    private byte[] array = [];
    private int start;
    private int end;
    private long length;

    /// <summary>Adds a slice of an array that nobody will change.</summary>
    public void AddSlice(byte[] from, int offset, int count)
    {
        length += count;
        if (from == array && offset == end)
        {
            end += count;
            return;
        }
        CutFragment();
        (array, start, end) = (from, offset, offset + count);
    }

    /// <summary>Adds a copy of a short text.</summary>
    public void AddText(ReadOnlySpan<byte> text)
    {
        if (page.Length - pageEnd < text.Length)
        {
            page = new byte[Math.Max(PageBytes, text.Length)];
            pageEnd = 0;
        }
        text.CopyTo(page.AsSpan(pageEnd));
        AddSlice(page, pageEnd, text.Length);
        pageEnd += text.Length;
    }

    public BoardBody ToBody()
    {
        CutFragment();
        return new BoardBody(fragments, length);
    }

    private void CutFragment()
    {
        if (end > start)
            fragments.Add(array.AsMemory(start, end - start));
        start = end;
    }
}
