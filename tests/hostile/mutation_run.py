"""Reads and counts mutated models in a process of its own: ``python -m tests.hostile.mutation_run FORMAT FIRST COUNT``.

Each mutation follows from its format and number alone, so that ``FORMAT NUMBER 1`` shows one again. What is found is
printed as JSON lines. The number under way stands in the file that ``ATTAINABLE_MUTATION`` names, for the case that the
process does not survive it.
"""

import faulthandler
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from attainable.analysis.counted import counted
from attainable.cost.count import count
from attainable.errors import AttainableError
from attainable.export import FORMATS
from attainable.workload import load
from tests.hostile.byte_mutations import mutated_bytes
from tests.hostile.described_seeds import DARKNET, NCNN, PROGRAMS, TFLITE, archived
from tests.hostile.onnx_seeds import SEEDS
from tests.hostile.protobuf_mutations import mutated_model
from tests.hostile.text_mutations import mutated_json, mutated_text

PROCESSOR_SECONDS = 5
"""In which every mutation is read and counted."""

SECONDS = 60
"""After which it never ends: a shared machine may stand still for a while."""

ADDRESS_SPACE_BYTES = 3 * 2**30
"""Of the process, far more than all seeds together need."""

MOST_GROWTH_BYTES = 128 * 2**20
"""By which the peak of the process may grow through one mutation."""

ALL_FORMATS_EVERY = 10
"""Mutations of which one is written in all formats, the others in JSON alone."""


def _onnx(random: Random, seed: bytes) -> bytes:
    return mutated_bytes(seed, random) if random.random() < 0.15 else mutated_model(seed, random)


def _torch(random: Random, seed: bytes) -> bytes:
    if random.random() < 0.15:
        return mutated_bytes(archived(seed), random)
    return archived(mutated_bytes(seed, random) if random.random() < 0.1 else mutated_json(seed, random))


def _text(random: Random, seed: bytes) -> bytes:
    return mutated_text(seed, random)


def _tflite(random: Random, seed: bytes) -> bytes:
    return mutated_bytes(seed, random)


KINDS: dict[str, tuple[Sequence[bytes], Callable[[Random, bytes], bytes]]] = {
    ".onnx": (tuple(model.SerializeToString(deterministic=True) for model in SEEDS.values()), _onnx),
    ".pt2": (PROGRAMS, _torch),
    ".cfg": ((DARKNET.encode(),), _text),
    ".param": ((NCNN.encode(),), _text),
    ".tflite": (TFLITE, _tflite),
}
"""Valid files by format, and how they are mutated."""


def mutation(format: str, number: int) -> bytes:
    """The content of a mutated file."""
    seeds, mutate = KINDS[format]
    random = Random(f"{format} {number}")  # noqa: S311 - the same mutation every time
    return mutate(random, seeds[number % len(seeds)])


def fault(path: Path, formats: Sequence[str]) -> str | None:
    """What is wrong with how a file is read, counted and written; None where it is fine or refused with reason."""
    try:
        analysis = counted(count(load(path)))
        for format in formats:
            FORMATS[format].render(analysis)
    except AttainableError as error:
        return "takes all memory" if "fit into memory" in str(error) else None
    except Exception as error:
        places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        return f"{type(error).__name__}: {str(error)[:100]} at {' < '.join(places[:-6:-1])}"
    return None


def main(format: str, first: int, number: int) -> None:
    """Try mutations in order."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    progress = os.open(os.environ["ATTAINABLE_MUTATION"], os.O_WRONLY) if "ATTAINABLE_MUTATION" in os.environ else -1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{format}"
        for seed in KINDS[format][0]:
            # imports what is needed, so that it is no part of what a mutation takes
            path.write_bytes(archived(seed) if format == ".pt2" else seed)
            fault(path, list(FORMATS))
        peak = _peak_bytes()
        for current in range(first, first + number):
            path.write_bytes(mutation(format, current))
            if progress >= 0:
                os.pwrite(progress, f"{current:12}".encode(), 0)
            # ends the process, also where C++ does not come back
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            start = time.process_time()
            wrong = fault(path, list(FORMATS) if current % ALL_FORMATS_EVERY == 0 else ["json"])
            took = time.process_time() - start
            faulthandler.cancel_dump_traceback_later()
            grown, peak = _peak_bytes() - peak, _peak_bytes()
            if wrong is None and grown > MOST_GROWTH_BYTES:
                wrong = f"takes {grown >> 20} MiB"
            if wrong is None and took > PROCESSOR_SECONDS:
                wrong = f"takes {took:.1f} s"
            if wrong is not None:
                _say({"number": current, "fault": wrong})
    _say({"number": -1, "done": number})


def _say(line: dict[str, int | str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
