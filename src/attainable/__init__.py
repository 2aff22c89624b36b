"""Attainable."""
