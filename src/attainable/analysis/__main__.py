"""Write the JSON Schema that ships: ``python -m attainable.analysis``."""

from pathlib import Path

from attainable.analysis.records import json_schema

(Path(__file__).parent / "analysis.schema.json").write_bytes(json_schema())
