using System.Runtime.Versioning;

// Each test measures or loads the whole machine: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

// Process groups, signals and /proc; elsewhere the tests are skipped.
[assembly: SupportedOSPlatform("linux")]
