"""Other tools that benchmarks compare with: their environments, and what runs inside them."""
