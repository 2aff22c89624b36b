"""ONNX files for LiteRT: converted once in a worker of an environment of its own, and kept in the cache folder.

The converter is 2 GB with PyTorch and JAX and takes from seconds to a minute; LiteRT itself is 160 MB and loads a
``.tflite`` file at once. So who has such files installs nothing else, and who measures an ONNX file again, or against
another one in turns, waits for the conversion once.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from attainable.devices.folders import cache_folder
from attainable.errors import RuntimeRefused
from attainable.runtimes import Requirement
from attainable.runtimes.environments import find_interpreter
from attainable.runtimes.process import SESSIONS, Worker
from attainable.runtimes.remote.model import files_beside
from attainable.workload.graph import Workload

__all__ = ["NAME", "REQUIREMENT", "converted"]

NAME = "litert-conversion"
REQUIREMENT = Requirement(
    module="litert_torch",
    distribution="litert-torch",
    # Of torch exactly this version: it is the one whose wheel is for processors alone.
    packages=("torch==2.13.0", "litert-torch==0.10.0", "onnx2torch==1.5.15", "onnx>=1.20,<1.24", "numpy>=2.0"),
)
_SESSION = "litert_conversion_session.py"
_MOST_KEPT = 16
"""Converted files in the cache; the oldest go first."""
_UNFINISHED, _STALE_SECONDS = ".unfinished-", 86_400.0


def converted(workload: Workload, *, deadline_seconds: float) -> Path:
    """The TFLite file of a workload's ONNX file, made now or before.

    Args:
        workload: whose file it is, and the numbers of its dimensions: the converted file has no others.
        deadline_seconds: for the conversion.

    Raises:
        RuntimeRefused: the converter is not installed, or does not accept the model.
        WorkerCrashed: the worker died.
        WorkerTimedOut: it took longer.
    """
    shapeless = next((tensor.name for tensor in workload.inputs if tensor.shape is None), None)
    if shapeless is not None:
        raise RuntimeRefused(f"the converter needs the shape of input {shapeless}", where=workload.provenance.path)
    found = find_interpreter(NAME, REQUIREMENT)
    if found is None:
        raise RuntimeRefused(
            "LiteRT runs .tflite files, and what converts ONNX files to them is not installed",
            where=workload.provenance.path, help=f"attainable runtimes install {NAME}",
        )  # fmt: skip
    shapes = {tensor.name: list(tensor.dims) for tensor in workload.inputs}
    try:
        kept = _place(Path(workload.provenance.path).resolve(), shapes)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if kept.is_file():
            os.utime(kept)
            return kept
        _convert(workload, shapes, found.python, kept, deadline_seconds=deadline_seconds)
        _forget_oldest(kept)
    except OSError as error:
        raise RuntimeRefused(
            f"the model cannot be converted: {error.strerror}", where=str(error.filename or workload.provenance.path),
            help="free some disk space, or set ATTAINABLE_CACHE",
        ) from None  # fmt: skip
    return kept


def _place(model: Path, shapes: Mapping[str, list[int]]) -> Path:
    """Named after all that the converted file depends on, this program's part of the converter included."""
    # Not the sum that the workload has: the file may have changed since. Weights may be in files beside it.
    files = [model, *(model.parent / name for name in files_beside(model, "onnx"))]
    content = [_sum_of(file) for file in files]
    made_of = [content, shapes, REQUIREMENT.packages, (SESSIONS / _SESSION).read_text("utf-8")]
    name = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    return cache_folder() / "converted" / f"{name}.tflite"


def _sum_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _convert(
    workload: Workload, shapes: Mapping[str, list[int]], python: str, target: Path, *, deadline_seconds: float
) -> None:
    descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=target.parent)
    os.close(descriptor)
    unfinished = Path(name)
    try:
        with Worker(interpreter=python) as worker:
            request = {
                "session_file": str(SESSIONS / _SESSION), "module": REQUIREMENT.module, "shapes": shapes,
                "model": str(Path(workload.provenance.path).resolve()), "converted": str(unfinished),
            }  # fmt: skip
            worker.call("open", request, deadline_seconds=deadline_seconds)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _forget_oldest(newest: Path) -> None:
    with contextlib.suppress(OSError):
        kept = sorted(newest.parent.glob("*.tflite"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in kept[_MOST_KEPT:]:
            file.unlink()
        # Whoever made one was ended before it could remove it.
        for file in newest.parent.glob(f"{_UNFINISHED}*"):
            if file.stat().st_mtime < time.time() - _STALE_SECONDS:
                file.unlink()
