"""Hardware as numbers, each with its source."""
