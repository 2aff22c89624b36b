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

if TYPE_CHECKING:
    import onnx

__all__ = ["NETWORKS", "Network", "build", "names", "network", "write"]


@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be built.

    Attributes:
        name: of the network, and of the function in its family's module.
        summary: one line.
        source: the paper and the code it follows.
        family: the module that defines it, imported when it is built.
        sequence: tokens where the caller names no number; None where the network reads images.
    """

    name: str
    summary: str
    source: str
    family: str
    sequence: int | None = None

    def build(self, *, batch: int = 1, sequence: int | None = None, seed: int = 0) -> onnx.ModelProto:
        """The network as an ONNX model with concrete shapes; see ``attainable.zoo.build``."""
        function: Callable[..., onnx.ModelProto] = getattr(importlib.import_module(self.family), self.name)
        if self.sequence is not None:
            return function(batch=batch, sequence=self.sequence if sequence is None else sequence, seed=seed)
        if sequence is not None:
            raise InvalidQuantity(
                f"{self.name} reads images, which have no sequence", where="sequence", help="leave the sequence out"
            )
        return function(batch=batch, seed=seed)


NETWORKS: dict[str, Network] = {
    "resnet18": Network(
        name="resnet18",
        summary="residual network of 18 layers, 3x3 convolutions",
        source="arXiv:1512.03385; torchvision/models/resnet.py",
        family="attainable.zoo.resnet",
    ),
    "resnet50": Network(
        name="resnet50",
        summary="residual network of 50 layers, 1x1 and 3x3 convolutions (v1.5)",
        source="arXiv:1512.03385; torchvision/models/resnet.py",
        family="attainable.zoo.resnet",
    ),
    "vgg16": Network(
        name="vgg16",
        summary="plain network of 3x3 convolutions and large linear layers, 553 MB",
        source="arXiv:1409.1556; torchvision/models/vgg.py",
        family="attainable.zoo.vgg",
    ),
    "mobilenet_v1": Network(
        name="mobilenet_v1",
        summary="depthwise separable convolutions",
        source="arXiv:1704.04861",
        family="attainable.zoo.mobilenet",
    ),
    "mobilenet_v2": Network(
        name="mobilenet_v2",
        summary="depthwise convolutions in inverted residuals, ReLU6",
        source="arXiv:1801.04381; torchvision/models/mobilenetv2.py",
        family="attainable.zoo.mobilenet",
    ),
    "squeezenet1_1": Network(
        name="squeezenet1_1",
        summary="few parameters: squeeze with 1x1, expand with 1x1 and 3x3 convolutions",
        source="arXiv:1602.07360; torchvision/models/squeezenet.py",
        family="attainable.zoo.squeezenet",
    ),
    "shufflenet_v2_x1_0": Network(
        name="shufflenet_v2_x1_0",
        summary="channel split and shuffle: much data movement for little work",
        source="arXiv:1807.11164; torchvision/models/shufflenetv2.py",
        family="attainable.zoo.shufflenet",
    ),
    "transformer_encoder": Network(
        name="transformer_encoder",
        summary="encoder of BERT's base size, 12 layers, attention spelled out",
        source="arXiv:1810.04805; BertModel of Hugging Face transformers",
        family="attainable.zoo.transformer",
        sequence=128,
    ),
}


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
    raise unknown_name("network", name, NETWORKS)


def build(name: str, *, batch: int = 1, sequence: int | None = None, seed: int = 0) -> onnx.ModelProto:
    """The network of this name as an ONNX model: opset 20, concrete shapes, weights inside.

    Args:
        name: one of ``names()``.
        batch: images or sequences at once.
        sequence: tokens in a sequence; None for the network's own number. Networks for images take none.
        seed: of the random weights; the same seed gives the same bytes with the same numpy release.

    Raises:
        UnknownName: no network has this name.
        InvalidQuantity: batch, sequence or seed is out of range.
    """
    return network(name).build(batch=batch, sequence=sequence, seed=seed)


def write(
    name: str, path: str | os.PathLike[str], *, batch: int = 1, sequence: int | None = None, seed: int = 0
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
