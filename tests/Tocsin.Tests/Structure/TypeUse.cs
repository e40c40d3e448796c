using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Tocsin.Tests.Structure;

/// <summary>A type, its namespace, and a namespace of Tocsin that it uses. A nested type (also a compiler's closure) counts as its outermost one.</summary>
internal readonly record struct TypeUse(string Type, string From, string To)
{
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields()
        .Select(field => field.GetValue(null)).OfType<OpCode>().ToDictionary(code => code.Value);

    /// <summary>
    /// All uses in a compiled assembly: bases, attributes, signatures, locals, and what the code of methods names. Constants leave no trace in
    /// there; the imports of the source files tell of those.
    /// </summary>
    public static IReadOnlyCollection<TypeUse> In(string assembly)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
        var metadata = file.GetMetadataReader();
        var uses = new HashSet<TypeUse>();
        foreach (var handle in metadata.TypeDefinitions)
        {
            var outermost = Outermost(metadata, handle);
            var from = metadata.GetString(outermost.Namespace);
            if (!IsOurs(from))
                continue;
            var names = new NamespaceCollector(metadata);
            Visit(file, metadata, metadata.GetTypeDefinition(handle), names);
            foreach (var to in names.Found.Where(to => to != from && IsOurs(to)))
                uses.Add(new TypeUse(metadata.GetString(outermost.Name), from, to));
        }
        return uses;
    }

    /// <summary>The assemblies of Tocsin that a compiled assembly refers to.</summary>
    public static IReadOnlyList<string> AssembliesOf(string assembly)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Where(IsOurs).Order(StringComparer.Ordinal)];
    }

    public override string ToString() => $"{From}.{Type} uses {To}";

    private static bool IsOurs(string name) => name == "Tocsin" || name.StartsWith("Tocsin.", StringComparison.Ordinal);

    private static TypeDefinition Outermost(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil)
            type = metadata.GetTypeDefinition(type.GetDeclaringType());
        return type;
    }

    private static void Visit(PEReader file, MetadataReader metadata, TypeDefinition type, NamespaceCollector names)
    {
        names.Add(type.BaseType);
        foreach (var handle in type.GetInterfaceImplementations())
            names.Add(metadata.GetInterfaceImplementation(handle).Interface);
        names.Add(type.GetCustomAttributes());
        names.Add(type.GetGenericParameters());
        foreach (var handle in type.GetProperties())
            names.Add(metadata.GetPropertyDefinition(handle).GetCustomAttributes());
        foreach (var handle in type.GetFields())
        {
            metadata.GetFieldDefinition(handle).DecodeSignature(names, null);
            names.Add(metadata.GetFieldDefinition(handle).GetCustomAttributes());
        }
        foreach (var handle in type.GetMethods())
        {
            var method = metadata.GetMethodDefinition(handle);
            method.DecodeSignature(names, null);
            names.Add(method.GetCustomAttributes());
            names.Add(method.GetGenericParameters());
            if (method.RelativeVirtualAddress != 0)
                Visit(file.GetMethodBody(method.RelativeVirtualAddress), metadata, names);
        }
    }

    private static void Visit(MethodBodyBlock body, MetadataReader metadata, NamespaceCollector names)
    {
        if (!body.LocalSignature.IsNil)
            metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(names, null);
        foreach (var region in body.ExceptionRegions)
            names.Add(region.CatchType);
        var code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            short value = code.ReadByte();
            if (value == 0xFE)
                value = unchecked((short)(0xFE00 | code.ReadByte()));
            switch (Codes[value].OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    names.Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    code.Offset += 4 * code.ReadInt32();
                    break;
                case var operand:
                    code.Offset += SizeOf(operand);
                    break;
            }
        }
    }

    private static int SizeOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };
}
