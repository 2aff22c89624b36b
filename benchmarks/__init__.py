"""The tool's own claims: each script prints a table of what it saw on this machine."""
