namespace Tocsin.Projections;

/// <summary>
/// Joins the CRC-32 (the one of gzip) of two runs of bytes into that of both, without reading them: appending n bytes multiplies the
/// first by x^(8n) modulo the polynomial.
/// </summary>
internal static class Crc32
{
    private const uint ReflectedPolynomial = 0xEDB88320;
    private const uint One = 1u << 31;
    private const int ByteBits = 3;

    /// <summary>x^(2^n) for n = 0 to 31; the powers repeat after that.</summary>
    private static readonly uint[] Squares = MakeSquares();

    public static uint Combine(uint first, uint second, long secondLength) => Multiply(PowerOfX(secondLength), first) ^ second;

    private static uint PowerOfX(long lengthInBytes)
    {
        var power = One;
        for (var k = ByteBits; lengthInBytes != 0; lengthInBytes >>= 1, k++)
            if ((lengthInBytes & 1) != 0)
                power = Multiply(Squares[k & 31], power);
        return power;
    }

    private static uint Multiply(uint left, uint right)
    {
        uint product = 0;
        for (var bit = One; bit != 0; bit >>= 1)
        {
            if ((left & bit) != 0)
                product ^= right;
            right = (right & 1) != 0 ? (right >> 1) ^ ReflectedPolynomial : right >> 1;
        }
        return product;
    }

    private static uint[] MakeSquares()
    {
        var squares = new uint[32];
        squares[0] = One >> 1;
        for (var i = 1; i < squares.Length; i++)
            squares[i] = Multiply(squares[i - 1], squares[i - 1]);
        return squares;
    }
}
