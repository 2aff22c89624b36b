"""Run every benchmark, or those named: ``python -m benchmarks [NAME ...]``."""

import importlib
import sys
from pathlib import Path

names = sys.argv[1:] or sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
)
for name in names:
    print(f"\n## {name}\n", flush=True)
    importlib.import_module(f"benchmarks.{name}").main()
