"""Traces networks of timm into Workloads, without weights, and keeps them in the cache.

The networks are made on PyTorch's meta device, where a tensor has a shape and no memory, and what they call is made
into operators by the product's own tables. A second run goes on where the first one was stopped.

Started by ``benchmarks.fit_timm``: ``python -m benchmarks.timm_networks.made``.
"""

import contextlib
import importlib
import io
import random
import signal
import sys
import time
import types
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

from attainable.cost.count import count
from attainable.workload import Workload
from benchmarks.peers.environment import cache_folder, files_of
from benchmarks.timm_networks.measured import Network, networks
from benchmarks.timm_networks.stored import FORM, StoredNetwork, stored, workload_of, write

PACKAGES = ("timm==1.0.31", "torchvision==0.28.0", "pillow==13.0.0", "pyyaml==6.0.3")
"""What timm needs beside PyTorch, the files alone: the rest of its dependencies loads weights."""

SECONDS_EACH = 90
"""Longer than any network took by far; one that takes longer is left out."""

SEED = 5


class _TooSlow(BaseException):
    """The time limit of one network; no ``except Exception`` on the way stops it."""


def folder() -> Path:
    """Where the networks are kept."""
    return cache_folder() / f"timm-networks-{FORM}"


def path_of(network: Network) -> Path:
    """The file of a network."""
    return folder() / f"{network.name}-{network.side}.msgpack.gz"


def make(order: Sequence[Network]) -> None:
    """Trace those that are not in the cache, and say how far it is."""
    folder().mkdir(parents=True, exist_ok=True)
    missing = [network for network in order if not path_of(network).exists()]
    if not missing:
        return
    print(
        f"tracing {len(missing)} networks of timm, about 0.6 s each; the next run finds them",
        file=sys.stderr,
        flush=True,
    )
    library = timm()
    begin = time.perf_counter()
    for number, network in enumerate(missing, 1):
        if path_of(network).exists():
            continue  # another process was quicker
        write(_traced(library, network), path_of(network))
        if number % 50 == 0:
            left = (time.perf_counter() - begin) / number * (len(missing) - number)
            print(f"{number} of {len(missing)}, {left / 60:.0f} min left", file=sys.stderr, flush=True)


def in_random_order() -> list[Network]:
    """All networks, so that the first ones are a fair sample."""
    order = networks()
    random.Random(SEED).shuffle(order)  # noqa: S311
    return order


def timm() -> Any:
    """The package timm; torchvision's compiled half, which wants a GPU build, is declared and never called."""
    for requirement in PACKAGES:
        sys.path.append(str(files_of(requirement)))
    library = cast(Any, importlib.import_module("torch.library"))
    for name in ("nms", "qnms"):
        library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("timm")


def _traced(library: Any, network: Network) -> StoredNetwork:
    try:
        with _limited(SECONDS_EACH), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            workload = _recorded(*module_of(library, network))
            kept = stored(workload, network.name)
        if count(workload_of(kept)).totals != count(workload).totals:
            return StoredNetwork(FORM, network.name, "the stored form counts differently")
        return kept
    except _TooSlow:
        return StoredNetwork(FORM, network.name, f"took more than {SECONDS_EACH} s")
    except Exception as error:  # the code of 1,400 networks can raise anything, and that is its result
        return StoredNetwork(FORM, network.name, f"{type(error).__name__}: {str(error)[:300]}")


def _recorded(module: Any, inputs: tuple[Any, ...]) -> Workload:
    # PyTorch takes seconds to import, which a run from the cache does without
    return importlib.import_module("benchmarks.timm_networks.recorded").recorded(module, inputs)


def module_of(library: Any, network: Network) -> tuple[Any, tuple[Any, ...]]:
    """The network and an input, without memory; it is told the size of its input where it was built for another one."""
    torch = cast(Any, importlib.import_module("torch"))
    with torch.device("meta"):
        module = library.create_model(network.name, pretrained=False)
        if module.default_cfg["input_size"][-1] != network.side:
            with contextlib.suppress(TypeError, AssertionError):
                module = library.create_model(network.name, pretrained=False, img_size=network.side)
        return module.eval(), (torch.empty(1, 3, network.side, network.side),)


@contextlib.contextmanager
def _limited(seconds: int) -> Generator[None]:
    """Raise ``_TooSlow`` in the block after some time."""

    def stop(number: int, frame: types.FrameType | None) -> None:
        del number, frame
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    make(in_random_order())
