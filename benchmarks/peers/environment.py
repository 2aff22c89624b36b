"""Environments for what the product does not need: peers to compare with, made on first use and kept in the cache."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def python_with(requirements: Sequence[str], *, without_dependencies: Sequence[str] = ()) -> Path:
    """The interpreter of a virtual environment with these packages.

    Args:
        requirements: as pip takes them.
        without_dependencies: packages of which only the files are wanted.
    """
    folder = _folder([*requirements, *without_dependencies])
    python = folder / "bin" / "python"
    done = folder / "installed"
    if done.is_file():
        return python
    print(f"installing {', '.join([*requirements, *without_dependencies])} into an environment of its own", flush=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, *requirements], check=True)
    if without_dependencies:
        subprocess.run([*pip, "--no-deps", *without_dependencies], check=True)
    done.touch()
    return python


def files_of(requirement: str) -> Path:
    """A folder with one package alone, to put on the path beside our own environment, which has what it needs."""
    folder = _folder([requirement])
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        subprocess.run([*pip, "--no-deps", "--target", folder, requirement], check=True, stdout=subprocess.DEVNULL)
    return folder


def cache_folder() -> Path:
    """Where benchmarks keep what takes long to make: ``$ATTAINABLE_CACHE/benchmarks``."""
    cache = os.environ.get("ATTAINABLE_CACHE") or Path.home() / ".cache" / "attainable"
    return Path(cache) / "benchmarks"


def _folder(requirements: Sequence[str]) -> Path:
    return cache_folder() / hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
