using System.Text;

namespace Tocsin.Projections;

/// <summary>The text around the four lists of an employee: <c>{"low":{"count":n,"incidents":[...]},...}</c>.</summary>
internal static class Lists
{
    /// <summary>Low, medium, high and critical.</summary>
    public const int Count = 4;

    private static readonly byte[][] Heads = [.. Priorities.Names.Select((name, i) => Encoding.UTF8.GetBytes($"{(i == 0 ? '{' : ',')}\"{name}\":{{\"count\":"))];
    private static readonly byte[][] EmptyLists = [.. Heads.Select(head => (byte[])[.. head, .. "0,\"incidents\":[]}"u8])];

    public static int IndexOf(Priority priority) => (int)priority - 1;

    public static int BitOf(Priority priority) => 1 << IndexOf(priority);

    /// <summary>
    /// Ends the list of <paramref name="last"/> (none yet: <see cref="Priority.None"/>), writes the empty ones in between, and begins that of
    /// <paramref name="next"/>, which has <paramref name="count"/> incidents.
    /// </summary>
    public static void OpenAfter(ByteBuffer to, Priority last, Priority next, int count)
    {
        EndList(to, last);
        for (var i = (int)last; i < IndexOf(next); i++)
            to.Append(EmptyLists[i]);
        to.Append(Heads[IndexOf(next)]);
        to.Append(count);
        to.Append(",\"incidents\":["u8);
    }

    /// <summary>Ends the list of <paramref name="last"/>, writes the empty ones after it and ends the object.</summary>
    public static void Close(ByteBuffer to, Priority last)
    {
        EndList(to, last);
        for (var i = (int)last; i < Count; i++)
            to.Append(EmptyLists[i]);
        to.Append((byte)'}');
    }

    private static void EndList(ByteBuffer to, Priority last)
    {
        if (last != Priority.None)
            to.Append("]}"u8);
    }
}
