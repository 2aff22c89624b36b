"""Reads the lines of an ncnn .param file.

::

    7767517
    <layers> <blobs>
    <type> <name> <inputs> <outputs> <input names> <output names> <id>=<value> ...

An id of -23300 or less holds an array of ``-23300 - id``: its length, then its elements.

Source: Tencent/ncnn @ a4d2ea1d, docs/developer-guide/param-and-model-file-structure.md, src/paramdict.cpp.
"""

import math
from dataclasses import dataclass

from attainable.errors import ModelFileError
from attainable.workload.weightless.read import MOST_LAYERS
from attainable.workload.weightless.writer import LayerFault

MAGIC = "7767517"
MOST_TENSORS = 10_000
"""Inputs and outputs of one layer."""

_ARRAY_BASE = -23300
_MOST_PARAMETERS = 32
"""Ids of a layer. Source: src/paramdict.h, NCNN_MAX_PARAM_COUNT."""

_LARGEST_INTEGER = 2**31 - 1

_MOST_FAULTS = 5

ABSENT = -233
"""The value that stands for none, or for the default."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One line: what the layer is, which blobs it reads and makes, and its parameters by id."""

    kind: str
    name: str
    line: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: dict[int, float]
    arrays: dict[int, tuple[float, ...]]

    def integer(self, id: int, default: int) -> int:
        """A whole number. Raises LayerFault where it is none."""
        number = self.number(id, default)
        if number != int(number):
            raise LayerFault(f"{id}={number:g} is not a whole number")
        return int(number)

    def number(self, id: int, default: float) -> float:
        """A number."""
        return self.parameters.get(id, default)

    def array(self, id: int) -> tuple[float, ...]:
        """An array; empty where the file has none."""
        return self.arrays.get(id, ())

    def integers(self, id: int) -> tuple[int, ...]:
        """An array of whole numbers. Raises LayerFault where one is none."""
        numbers = self.array(id)
        if any(number != int(number) for number in numbers):
            raise LayerFault(f"the array {id} has numbers that are not whole")
        return tuple(int(number) for number in numbers)


def parse_layers(text: str, where: str) -> list[Layer]:
    """The layers in their order.

    Args:
        text: of the file.
        where: the file, for messages.

    Raises:
        ModelFileError: lists the lines that cannot be read.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != MAGIC:
        raise ModelFileError(
            f"is not an ncnn network description: its first line is not {MAGIC}",
            where=where,
            help="give the .param file, as text; convert an old one with ncnn's tools",
        )
    layers: list[Layer] = []
    faults: list[str] = []
    try:
        layers_said = _header(lines)
    except LayerFault as fault:
        faults.append(f"{fault} @ line 2")
        layers_said = 0
    for number, line in enumerate(lines[2:], 3):
        if len(faults) >= _MOST_FAULTS:
            break
        if not line.strip():
            continue
        if len(layers) >= layers_said:
            faults.append(f"has more layers than the {layers_said} that line 2 says @ line {number}")
            break
        try:
            layers.append(_layer(line, number))
        except LayerFault as fault:
            faults.append(f"{fault} @ line {number}")
    if not faults and len(layers) != layers_said:
        faults.append(f"says {layers_said} layers and has {len(layers)} @ line 2")
    if faults:
        raise ModelFileError(
            "is not an ncnn network description",
            where=where,
            faults=faults[:_MOST_FAULTS],
            help="give the .param file, as text",
        )
    return layers


def _header(lines: list[str]) -> int:
    counts = lines[1].split() if len(lines) > 1 else []
    if len(counts) != 2:
        raise LayerFault("does not say how many layers and blobs follow")
    layers, _ = (int(_number(count)) for count in counts)
    if not 1 <= layers <= MOST_LAYERS:
        raise LayerFault(f"says {counts[0][:20]} layers; 1 to {MOST_LAYERS} are read")
    return layers


def _layer(line: str, number: int) -> Layer:
    words = line.split()
    if len(words) < 4:
        raise LayerFault(f"is no layer: {line.strip()[:40]!r}")
    kind, name, *counts = words[:4]
    inputs, outputs = (int(_number(count)) for count in counts)
    if not (0 <= inputs <= MOST_TENSORS and 0 <= outputs <= MOST_TENSORS) or len(words) < 4 + inputs + outputs:
        raise LayerFault(f"names fewer blobs than {inputs} inputs and {outputs} outputs")
    parameters: dict[int, float] = {}
    arrays: dict[int, tuple[float, ...]] = {}
    for word in words[4 + inputs + outputs :]:
        key, separator, value = word.partition("=")
        id = int(_number(key)) if separator else _LARGEST_INTEGER
        is_array = id <= _ARRAY_BASE
        id = _ARRAY_BASE - id if is_array else id
        if not 0 <= id < _MOST_PARAMETERS:
            raise LayerFault(f"{word[:40]!r} is no parameter from 0 to {_MOST_PARAMETERS - 1}")
        if is_array:
            length, *elements = (_number(part) for part in value.split(","))
            if length != len(elements):
                raise LayerFault(f"the array {word[:40]!r} does not have the length that it says")
            arrays[id] = tuple(elements)
        else:
            parameters[id] = _number(value)
    blobs = words[4 : 4 + inputs + outputs]
    return Layer(kind, name, number, tuple(blobs[:inputs]), tuple(blobs[inputs:]), parameters, arrays)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= _LARGEST_INTEGER:
        raise LayerFault(f"{text[:40]!r} is not a number of at most 32 bits")
    return number
