"""The machine that times are taken on, and what a set of times says."""
