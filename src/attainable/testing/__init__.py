"""Conformance suites that ship: whoever adds a runtime inherits its tests. Needs pytest only where pytest runs them."""
