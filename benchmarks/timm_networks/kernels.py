"""The kernels of every network on either device, kept in the cache beside the networks.

Counting 1,400 networks takes two minutes; the file is made anew when code of the product or of this folder changes
that it depends on.
"""

import gzip
import hashlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

import attainable
from attainable.cost.count import count
from attainable.files import write_atomically
from attainable.prediction import kernel_work as observation
from attainable.prediction.kernel_work import KernelWork, kernels_of
from benchmarks.peers.environment import cache_folder
from benchmarks.timm_networks import eager
from benchmarks.timm_networks.eager import eager_kernels
from benchmarks.timm_networks.made import path_of
from benchmarks.timm_networks.measured import Measurement, Network
from benchmarks.timm_networks.stored import read, workload_of

_PRODUCT = Path(attainable.__file__).parent
_DEPENDS_ON = (
    *(_PRODUCT / name for name in ("cost", "workload/torch", "prediction/op_class.py", "prediction/fusion.py")),
    Path(observation.__file__),
    Path(__file__),
    Path(eager.__file__),
)


class Counted(msgspec.Struct):
    """A network on paper.

    Attributes:
        macs: of one image.
        parameters: of the network.
        without_rule: calls that the product cannot count.
        fused: its kernels as the product fuses them, in float32, one image.
        eager: its kernels under autocast, a batch as it was measured; empty where it was not.
    """

    macs: int
    parameters: int
    without_rule: tuple[str, ...]
    fused: tuple[KernelWork, ...]
    eager: tuple[KernelWork, ...] = ()


def counted(
    networks: Sequence[Network], gpu: Iterable[Measurement]
) -> tuple[dict[Network, Counted], dict[Network, str]]:
    """The networks on paper, and why others are not.

    Args:
        networks: those that were traced.
        gpu: measurements of the GPU, for the size of its batches.
    """
    path = cache_folder() / f"timm-kernels-{_fingerprint()}.msgpack.gz"
    known = _read(path)
    batches = {row.network: row.batch for row in gpu}
    failures: dict[Network, str] = {}
    new = 0
    for network in networks:
        if _key(network) in known:
            continue
        stored = read(path_of(network))
        if stored is None or stored.failure:
            failures[network] = stored.failure if stored is not None else "not traced"
            continue
        if not new:
            print(f"counting {len(networks) - len(known)} networks, about 0.1 s each", file=sys.stderr, flush=True)
        new += 1
        if new % 200 == 0:
            print(f"{new} counted", file=sys.stderr, flush=True)
        paper = count(workload_of(stored))
        known[_key(network)] = Counted(
            paper.totals.macs,
            paper.totals.parameters,
            paper.coverage.kinds_without_rule,
            kernels_of(paper),
            eager_kernels(paper, batches[network]) if network in batches else (),
        )
    if new:
        for old in cache_folder().glob("timm-kernels-*"):
            old.unlink()
        write_atomically(path, gzip.compress(_ENCODER.encode(known), 3, mtime=0), overwrite=True)
    return {network: known[_key(network)] for network in networks if _key(network) in known}, failures


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[str, Counted])


def _read(path: Path) -> dict[str, Counted]:
    try:
        return _DECODER.decode(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, msgspec.DecodeError):
        return {}


def _key(network: Network) -> str:
    return f"{network.name}@{network.side}"


def _fingerprint() -> str:
    """A digest of the code that the kernels depend on."""
    files = sorted(file for place in _DEPENDS_ON for file in (place.rglob("*.py") if place.is_dir() else (place,)))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
