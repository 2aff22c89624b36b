"""Run every benchmark, or those named: ``python -m benchmarks [NAME ...] [OPTIONS of the one named]``."""

import importlib
import sys
from pathlib import Path

arguments = sys.argv[1:]
first_option = next((place for place, argument in enumerate(arguments) if argument.startswith("-")), len(arguments))
options = arguments[first_option:]
names = arguments[:first_option] or sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
)
for name in names:
    print(f"\n## {name}\n", flush=True)
    main = importlib.import_module(f"benchmarks.{name}").main
    # Most take no options.
    main(options) if options else main()
