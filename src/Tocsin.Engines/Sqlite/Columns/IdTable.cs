namespace Tocsin.Engines.Sqlite.Columns;

/// <summary>Finds rows by id: open addressing over row numbers, the ids themselves stay in the columns. One thread adds, any number look.</summary>
internal sealed class IdTable
{
    private const int FirstSlots = 1024;
    private int[] _slots = new int[FirstSlots];
    private int _used;

    public void Add(UInt128 id, int row, EventColumns columns)
    {
        if (_used >= _slots.Length / 2)
            Rebuild(columns, _slots.Length * 2);
        Put(_slots, id, row);
        _used++;
    }

    public int Find(UInt128 id, EventColumns columns)
    {
        var slots = Volatile.Read(ref _slots);
        for (var at = Place(id, slots.Length); ; at = (at + 1) & (slots.Length - 1))
        {
            var row = Volatile.Read(ref slots[at]) - 1;
            if (row < 0)
                return -1;
            if (columns.Block(row).Ids[row % ColumnBlock.Rows] == id)
                return row;
        }
    }

    /// <summary>Begins anew with the rows that are left.</summary>
    public void Rebuild(EventColumns columns) => Rebuild(columns, _slots.Length);

    private void Rebuild(EventColumns columns, int length)
    {
        // Shown whole: who looks meanwhile finds everything in the old one.
        var slots = new int[length];
        for (var row = 0; row < columns.Count; row++)
            Put(slots, columns.Block(row).Ids[row % ColumnBlock.Rows], row);
        _used = columns.Count;
        Volatile.Write(ref _slots, slots);
    }

    private static void Put(int[] slots, UInt128 id, int row)
    {
        var at = Place(id, slots.Length);
        while (slots[at] != 0)
            at = (at + 1) & (slots.Length - 1);
        Volatile.Write(ref slots[at], row + 1);
    }

    // The clock of a version 7 id sits in its first half: both halves are mixed.
    private static int Place(UInt128 id, int slots)
    {
        var mixed = ((ulong)(id >> 64) ^ (ulong)id) * 0x9E3779B97F4A7C15;
        return (int)((mixed ^ (mixed >> 32)) & (ulong)(slots - 1));
    }
}
