// Each test measures or loads the whole machine: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
