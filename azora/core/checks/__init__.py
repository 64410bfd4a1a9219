"""Results of suites and probes."""
