"""Valid inputs for a network: numbers that it can run on, made from a seed or taken from the user's files.

A run on invalid inputs is a crash (a token id beyond the embedding) or a lie (a mask of zeros), so that each input is
made by what the network does with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy
from numpy.typing import NDArray

from attainable.errors import InputsUnavailable, InvalidQuantity
from attainable.measurement.index_bounds import index_bounds
from attainable.quantities import format_bytes
from attainable.timing.memory import available_memory_bytes
from attainable.workload.dtypes import BITS, is_floating, is_integer
from attainable.workload.graph import Tensor, Workload

Array = NDArray[numpy.generic]
Given = Mapping[str, "str | Path | Array"]
_LARGEST_SHARE = 0.25
"""Inputs may take this share of the free memory: the worker holds them again, and activations are as large."""
_ONE = {
    "bfloat16": 0x3F80,
    "float8e4m3fn": 0x38, "float8e4m3fnuz": 0x40, "float8e5m2": 0x3C, "float8e5m2fnuz": 0x40, "float8e8m0": 0x7F,
}  # fmt: skip
"""The code of 1.0 in floating types that numpy lacks. Source: ONNX, "Float stored in 8 bits"."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Arrays for all inputs of a network.

    Attributes:
        arrays: by input; types that numpy lacks as unsigned integers of the same width.
        lines: how each was made, in the order of the inputs.
    """

    arrays: dict[str, Array]
    lines: tuple[str, ...]


def make_inputs(workload: Workload, given: Given | None = None, *, seed: int = 0) -> Inputs:
    """Make an array for each input of the network.

    Args:
        workload: every dimension of its inputs is a number.
        given: arrays, or ``.npy`` files with them, for some inputs; never unpickled.
        seed: of the random numbers; the same seed gives the same arrays.

    Raises:
        InvalidQuantity: given arrays that do not fit; all faults at once.
        InputsUnavailable: an input that no array can be made for, or more than memory allows.
    """
    arrays = _given_arrays(workload.inputs, given or {})
    _require_possible([tensor for tensor in workload.inputs if tensor.name not in arrays])
    _require_memory(workload.inputs)
    bounds = index_bounds(workload)
    generator = numpy.random.default_rng(seed)
    lines: list[str] = []
    for tensor in workload.inputs:
        if tensor.name in arrays:
            how = _origin((given or {})[tensor.name])
        else:
            arrays[tensor.name], how = _made(tensor, bounds.get(tensor.name), generator)
        lines.append(f"{tensor.name}: {how}")
    return Inputs(arrays, tuple(lines))


def _given_arrays(tensors: Sequence[Tensor], given: Given) -> dict[str, Array]:
    expected = {tensor.name: tensor for tensor in tensors}
    arrays: dict[str, Array] = {}
    faults: list[str] = []
    for name, source in given.items():
        tensor = expected.get(name)
        if tensor is None:
            faults.append(f"the network has no such input, it has {', '.join(expected) or 'none'} @ {name}")
            continue
        loaded = _load(source) if isinstance(source, str | Path) else source
        if isinstance(loaded, str):
            faults.append(f"{loaded} @ {name}")
            continue
        carrier = _carrier(tensor.dtype)
        if carrier is None or loaded.dtype not in (numpy.dtype(carrier), tensor.dtype):
            faults.append(f"is {loaded.dtype}, the network takes {tensor.dtype} @ {name}")
        if tensor.shape is not None and loaded.shape != tensor.shape:
            faults.append(f"has shape {list(loaded.shape)}, the network takes {list(tensor.shape)} @ {name}")
        arrays[name] = numpy.ascontiguousarray(loaded).reshape(loaded.shape)
    if faults:
        raise InvalidQuantity("given arrays do not fit the network", where="--input", faults=faults)
    return arrays


def _origin(source: Array | str | Path) -> str:
    return f"given by the user, {Path(source).name}" if isinstance(source, str | Path) else "given by the user"


def _load(source: str | Path) -> Array | str:
    """The array in a ``.npy`` file, or what is wrong with it."""
    try:
        loaded: object = numpy.load(source, allow_pickle=False)
    except OSError as error:
        return f"{source} cannot be read: {error.strerror or error}"
    except (ValueError, EOFError):
        # numpy's own advice here is to allow pickles, which run any code that the file holds.
        return f"{source} is not a plain .npy file"
    if isinstance(loaded, numpy.ndarray):
        return cast("Array", loaded)
    if isinstance(loaded, numpy.lib.npyio.NpzFile):
        loaded.close()
    return f"{source} is an archive, not a .npy file"


def _require_possible(tensors: Sequence[Tensor]) -> None:
    faults: list[str] = []
    for tensor in tensors:
        if tensor.shape is None:
            faults.append(f"has no known shape @ {tensor.name}")
        elif _carrier(tensor.dtype) is None:
            faults.append(f"no {tensor.dtype} can be made @ {tensor.name}")
    if faults:
        raise InputsUnavailable(
            "no valid inputs can be made for the model",
            where="inputs", help="give them with --input NAME=FILE.npy", faults=faults,
        )  # fmt: skip


def _require_memory(tensors: Sequence[Tensor]) -> None:
    needed = sum(tensor.bytes for tensor in tensors if tensor.shape is not None)
    available = available_memory_bytes()
    if available is not None and needed > _LARGEST_SHARE * available:
        raise InputsUnavailable(
            f"the inputs take {format_bytes(needed)}, of {format_bytes(available)} memory that is free",
            where="inputs", help="use a smaller batch or shape",
        )  # fmt: skip


def _carrier(dtype: str) -> "type[numpy.generic] | None":
    """The numpy type that holds elements of ``dtype``; None where there is none."""
    if dtype in _ONE:
        return numpy.uint16 if dtype == "bfloat16" else numpy.uint8
    if dtype == "string" or BITS.get(dtype, 0) < 8:
        return None
    return numpy.dtype(dtype).type


def _made(tensor: Tensor, bound: int | None, generator: numpy.random.Generator) -> tuple[Array, str]:
    name, shape = tensor.name.lower(), tensor.dims
    if "mask" in name or tensor.dtype == "bool":
        return _ones(tensor), "ones, nothing is masked"
    if is_floating(tensor.dtype) or tensor.dtype.startswith("complex"):
        return _normal(tensor, generator), "normal numbers, mean 0, standard deviation 1"
    carrier = numpy.dtype(tensor.dtype)
    if bound is not None:
        if "position" in name:
            places = numpy.broadcast_to(numpy.arange(shape[-1] if shape else 1) % bound, shape)
            return places.astype(carrier), f"positions 0, 1, 2, ..., below {bound}"
        if "type" in name or "segment" in name:
            return numpy.zeros(shape, carrier), "zeros, one segment"
        return generator.integers(0, bound, shape).astype(carrier), f"integers from 0 to {bound - 1}, rows of a table"
    if is_integer(tensor.dtype) and carrier.itemsize == 1:
        limits = numpy.iinfo(carrier)
        drawn = generator.integers(int(limits.min), int(limits.max) + 1, shape)
        return drawn.astype(carrier), f"integers from {limits.min} to {limits.max}"
    if tensor.elements == 1:
        return numpy.ones(shape, carrier), "one"
    return generator.integers(0, 2, shape).astype(carrier), "zeros and ones"


def _ones(tensor: Tensor) -> Array:
    return numpy.full(tensor.dims, _ONE.get(tensor.dtype, 1), _carrier(tensor.dtype))


def _normal(tensor: Tensor, generator: numpy.random.Generator) -> Array:
    numbers = generator.standard_normal(tensor.dims, dtype=numpy.float32)
    if tensor.dtype == "bfloat16":
        # A bfloat16 is the upper half of a float32.
        return (numbers.view(numpy.uint32) >> 16).astype(numpy.uint16)
    if tensor.dtype in _ONE:
        # Eight bits around the code of one: a spread of magnitudes, no infinity and nothing that is not a number.
        steps = numpy.clip(numpy.rint(4 * numbers), -8, 8).astype(numpy.int16)
        return (_ONE[tensor.dtype] + steps).astype(numpy.uint8)
    return numbers.astype(tensor.dtype)
