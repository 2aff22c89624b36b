"""The reference networks of the field, built as ONNX on the spot with random weights.

The structure is exact, the weights are not trained: the networks are for counting, timing and changing, not for
answers. Importing this package loads neither onnx nor numpy; building a network does.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attainable.errors import InvalidQuantity, unknown_name
from attainable.files import require_writable, write_atomically
from attainable.zoo.catalogue import FAMILIES

if TYPE_CHECKING:
    import onnx

__all__ = ["NETWORKS", "Network", "build", "names", "network", "write"]


@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be built.

    Attributes:
        name: of the network.
        summary: one line.
        source: the paper and the code it follows.
        family: the module that defines it, imported when it is built; its ``build`` takes the name.
        sequence: tokens where the caller names no number; None where the network reads images.
    """

    name: str
    summary: str
    source: str
    family: str
    sequence: int | None = None

    def build(self, *, batch: int = 1, sequence: int | None = None, seed: int | None = 0) -> onnx.ModelProto:
        """The network as an ONNX model with concrete shapes; see ``attainable.zoo.build``."""
        function: Callable[..., onnx.ModelProto] = importlib.import_module(self.family).build
        if self.sequence is not None:
            length = self.sequence if sequence is None else sequence
            return function(self.name, batch=batch, sequence=length, seed=seed)
        if sequence is not None:
            raise InvalidQuantity(
                f"{self.name} reads images, which have no sequence", where="sequence", help="leave the sequence out"
            )
        return function(self.name, batch=batch, seed=seed)


NETWORKS: dict[str, Network] = {
    name: Network(
        name=name,
        summary=summary,
        source=family.source,
        family=f"attainable.zoo.{family.module}",
        sequence=family.sequence,
    )
    for family in FAMILIES
    for name, summary in family.summaries.items()
}
"""Every network by name; ``catalogue.py`` has the table."""


def names() -> tuple[str, ...]:
    """The names of all networks, in the order of the table."""
    return tuple(NETWORKS)


def network(name: str) -> Network:
    """The network of this name.

    Raises:
        UnknownName: there is none; the help names the closest ones and the list.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    raise unknown_name("network", name, NETWORKS, also="`attainable zoo list` shows all")


def build(name: str, *, batch: int = 1, sequence: int | None = None, seed: int | None = 0) -> onnx.ModelProto:
    """The network of this name as an ONNX model: opset 20, concrete shapes, weights inside.

    Args:
        name: one of ``names()``.
        batch: images or sequences at once.
        sequence: tokens in a sequence; None for the network's own number. Networks for images take none.
        seed: of the random weights; the same seed gives the same bytes with the same numpy release. None leaves the
            weights out and keeps their shapes: the network can be counted at once, and not run.

    Raises:
        UnknownName: no network has this name.
        InvalidQuantity: batch, sequence or seed is out of range.
    """
    return network(name).build(batch=batch, sequence=sequence, seed=seed)


def write(
    name: str, path: str | os.PathLike[str], *, batch: int = 1, sequence: int | None = None, seed: int | None = 0
) -> None:
    """Builds a network and writes it to ``path``, which then holds the whole file or what it held before.

    Args:
        name: one of ``names()``.
        path: of the file; an existing one is replaced.
        batch: as for ``build``.
        sequence: as for ``build``.
        seed: as for ``build``.

    Raises:
        UnknownName: no network has this name.
        InvalidQuantity: batch, sequence or seed is out of range.
        InputError: the file cannot be written there.
    """
    chosen, target = network(name), Path(path)
    require_writable(target, overwrite=True)
    model = chosen.build(batch=batch, sequence=sequence, seed=seed)
    write_atomically(target, model.SerializeToString(deterministic=True), overwrite=True)
