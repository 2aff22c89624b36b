"""What computed an analysis: versions of the packages that matter, and the machine."""

import platform
from importlib.metadata import PackageNotFoundError, version

from attainable.timing.conditions import read_conditions

PACKAGES = ("attainable", "onnx", "onnxruntime", "llvmlite", "numpy")
"""Distributions whose version can change a number."""


def environment() -> dict[str, str]:
    """Versions and conditions by name; ``not installed`` where a package is absent."""
    return {
        **{name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        **dict(read_conditions().as_pairs()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
