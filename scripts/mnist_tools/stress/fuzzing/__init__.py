"""Coverage-guided fuzzing of what the runtime reads: readers, their first inputs, and the process that is fuzzed."""
