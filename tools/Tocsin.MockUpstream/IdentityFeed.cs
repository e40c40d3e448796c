using System.Text;

namespace Tocsin.MockUpstream;

/// <summary>A person and the internal address they hold.</summary>
internal readonly record struct Employee(uint Address, int Id)
{
    /// <summary>Half of all ids of six digits, so that finding a free one at random stays quick.</summary>
    internal const int MaxEmployees = 500_000;

    internal string AddressText =>
        FormattableString.Invariant($"{Address >> 24}.{Address >> 16 & 255}.{Address >> 8 & 255}.{Address & 255}");

    /// <summary>People with addresses of 17.x.x.x and ids of two to six digits, all different.</summary>
    internal static Employee[] Make(int count, Random random)
    {
        var addresses = new HashSet<uint>();
        var ids = new HashSet<int>();
        var employees = new Employee[count];
        for (var i = 0; i < count; i++)
        {
            // never ends in 0: those addresses are free for the wrong_type fault
            uint address;
            do
                address = 17u << 24 | (uint)random.Next(1 << 16) << 8 | (uint)random.Next(1, 255);
            while (!addresses.Add(address));
            employees[i] = new Employee(address, FreeId(i, ids, random));
        }

        return employees;
    }

    /// <summary>Whether the address is in the share that is unknown for a while: the same ones each time, more for a greater share.</summary>
    internal bool IsMissing(double share)
    {
        // Knuth's multiplicative hash: spreads neighbouring addresses
        var hash = Address * 2654435761u;
        return hash / 4294967296.0 < share;
    }

    private static int FreeId(int index, HashSet<int> taken, Random random)
    {
        // each length occurs even in a tiny set; string order and number order differ only then
        var digits = index < 5 ? 2 + index : random.Next(100) switch { < 1 => 4, < 11 => 5, _ => 6 };
        for (var attempt = 0; ; attempt++)
        {
            if (attempt == 8)
                digits = 6;
            var least = (int)Math.Pow(10, digits - 1);
            var id = random.Next(least, least * 10);
            if (taken.Add(id))
                return id;
        }
    }
}

/// <summary><c>/identities/</c>: who holds which address.</summary>
internal sealed class IdentityFeed(Employee[] employees) : Feed
{
    private static readonly byte[] Head = "{"u8.ToArray();
    private static readonly byte[] Tail = "}"u8.ToArray();

    private volatile Rendered? _rendered;

    internal override Answer Answer(in Ask ask)
    {
        var share = ask.Config.Rate(Fault.IdentityGap);
        var rendered = _rendered;
        if (rendered is null || rendered.Share != share)
            _rendered = rendered = new Rendered(share, Render(share));
        var items = ask.Draw.Name == Fault.WrongType ? WithStrangers(rendered.Items) : rendered.Items;
        return new Answer(Head, items, Tail);
    }

    private byte[] Render(double share) => Encoding.UTF8.GetBytes(string.Join(", ",
        employees.Where(e => !e.IsMissing(share)).Select(e => FormattableString.Invariant($"\"{e.AddressText}\": {e.Id}"))));

    private static byte[] WithStrangers(byte[] items)
    {
        var strangers = """
            "not an address": 17, "17.300.1.1": 18, "17.1.1.0": {"id": 19}, "17.1.2.0": [20], "17.1.3.0": true, "17.1.4.0": null
            """u8;
        return items.Length == 0 ? strangers.ToArray() : [.. items, .. RecordRange.Separator, .. strangers];
    }

    private sealed record Rendered(double Share, byte[] Items);
}
