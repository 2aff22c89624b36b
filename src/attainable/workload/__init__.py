"""The graph of a network, and the readers that make it."""
