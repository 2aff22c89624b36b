"""The rules, one module a theme; each ends with its table."""
