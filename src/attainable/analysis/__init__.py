"""The one record that joins count, bound, prediction, runs and findings; JSON in and out."""

from attainable.analysis.records import SCHEMA_VERSION, Analysis

__all__ = ["SCHEMA_VERSION", "Analysis"]
