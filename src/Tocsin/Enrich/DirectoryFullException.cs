namespace Tocsin.Enrich;

/// <summary>An identity directory would hold more than <see cref="IdentityDirectory.MaxAddresses"/>; nothing of what was asked was done. The message names it.</summary>
public sealed class DirectoryFullException(string message) : Exception(message);
