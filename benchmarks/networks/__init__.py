"""Networks that several benchmarks use."""
