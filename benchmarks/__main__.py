"""Run every benchmark, or those named: ``python -m benchmarks [NAME ...]``."""

import importlib
import sys
from pathlib import Path

names = sys.argv[1:] or sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
)
for name in names:
    module = importlib.import_module(f"benchmarks.{name}")
    if hasattr(module, "main"):  # others are parts of benchmarks
        print(f"\n## {name}\n", flush=True)
        module.main()
