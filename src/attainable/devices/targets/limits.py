"""The limits that a support table can state: one row each, what is looked at and how it is compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Literal

from attainable.devices.targets import geometry
from attainable.devices.targets.target import LimitValue
from attainable.workload.dtypes import BITS
from attainable.workload.graph import Op

Measured = tuple[int | float | str, ...]
Relation = Literal["at_most", "at_least", "one_of", "none_of", "includes"]
Kind = Literal["count", "counts", "integers", "texts"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        what: the thing that is limited, as a sentence names it.
        measure: of an op, what is held against the limit; raises UnresolvedShape where the file does not tell.
        relation: every measured value is at most, at least, one or none of the limit's; or they include all of them.
        kind: what a table writes: one whole number from 1 on, a list of those, of any whole numbers, or of texts.
        choices: the texts that may be written; empty for any.
    """

    what: str
    measure: Callable[[Op], Measured]
    relation: Relation
    kind: Kind
    choices: tuple[str, ...] = ()


def misses(limit: Limit, value: LimitValue, measured: Measured) -> Measured:
    """What of the measured does not keep the limit, each value once; empty where the limit holds.

    Of a list that must be included it is what is missing.
    """
    values = value if isinstance(value, tuple) else (value,)
    if limit.relation == "includes":
        return tuple(item for item in values if item not in measured)
    return tuple(item for item in dict.fromkeys(measured) if not _keeps(limit.relation, item, values))


def _keeps(relation: Relation, item: int | float | str, values: tuple[int | str, ...]) -> bool:
    if relation in ("one_of", "none_of"):
        return (item in values) == (relation == "one_of")
    bound = values[0]
    if isinstance(item, str) or isinstance(bound, str):
        return item == bound
    return item <= bound if relation == "at_most" else item >= bound


def _row(
    what: str, measure: Callable[[Op], Measured], relation: Relation, kind: Kind = "count", *choices: str
) -> Limit:  # fmt: skip
    return Limit(what, measure, relation, kind, choices)


def _ranks(op: Op) -> Measured:
    return tuple(len(shape) for shape in geometry.shapes(op))


def _large_axes(op: Op) -> Measured:
    return tuple(sum(extent > 1 for extent in shape) for shape in geometry.shapes(op))


def _batch(op: Op) -> Measured:
    if op.kind in ("LSTM", "GRU", "RNN"):
        return (op.input(0).dims[1 - op.integer("layout", 0)],)
    return tuple(shape[0] for shape in geometry.shapes(op) if len(shape) > 1)


def _image(position: int) -> Callable[[Op], Measured]:
    return lambda op: tuple(image[position] for image in geometry.images(op))


def _dimensions(op: Op) -> Measured:
    return tuple(extent for shape in geometry.shapes(op) for extent in shape)


def _pixels(op: Op) -> Measured:
    return (prod(geometry.spatial(op, op.input(0).dims)),)


def _elements(op: Op) -> Measured:
    return tuple(prod(shape) for shape in geometry.shapes(op))


def _kernel_weights(op: Op) -> Measured:
    tensor = geometry.weight(op)
    outputs = tensor.dims[0]
    return (tensor.elements // outputs if outputs else 0,)


def _last_stride(position: int) -> Callable[[Op], Measured]:
    return lambda op: geometry.strides(op)[position:][:1]


def _form(measure: Callable[[Op], tuple[int, ...]]) -> Callable[[Op], Measured]:
    return lambda op: ("square" if len(set(measure(op))) <= 1 else "oblong",)


def _negative_axes(op: Op) -> Measured:
    rank = op.input(0).rank
    return tuple(axis - rank for axis in geometry.axes(op))


def _dtypes(op: Op) -> Measured:
    return tuple(dict.fromkeys(tensor.dtype for tensor in geometry.activations(op)))


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "max_rank": _row("rank", _ranks, "at_most"),
        "min_rank": _row("rank", _ranks, "at_least"),
        "ranks": _row("rank", _ranks, "one_of", "counts"),
        "input_ranks": _row("rank of the input", lambda op: (op.input(0).rank,), "one_of", "counts"),
        "output_ranks": _row("rank of the output", lambda op: (op.output.rank,), "one_of", "counts"),
        "index_ranks": _row("rank of the indices", lambda op: (op.input(1).rank,), "one_of", "integers"),
        "max_axes": _row("axes larger than 1", _large_axes, "at_most"),
        "max_batch": _row("batch", _batch, "at_most"),
        "max_channels": _row("channels", _image(0), "at_most"),
        "max_height": _row("height", _image(1), "at_most"),
        "max_width": _row("width", _image(2), "at_most"),
        "max_dimension": _row("an axis of length", _dimensions, "at_most"),
        "max_pixels": _row("pixels of the input", _pixels, "at_most"),
        "max_elements": _row("elements", _elements, "at_most"),
        "dtypes": _row("element type", _dtypes, "one_of", "texts", *BITS),
        "max_kernel": _row("kernel", geometry.kernel, "at_most"),
        "min_kernel": _row("kernel", geometry.kernel, "at_least"),
        "kernels": _row("kernel", geometry.kernel, "one_of", "counts"),
        "kernel_form": _row("kernel", _form(geometry.kernel), "one_of", "texts", "square"),
        "max_kernel_area": _row("kernel area", lambda op: (prod(geometry.kernel(op)),), "at_most"),
        "max_dilated_height": _row("dilated kernel height", lambda op: geometry.dilated_kernel(op)[:1], "at_most"),
        "max_dilated_area": _row("dilated kernel area", lambda op: (prod(geometry.dilated_kernel(op)),), "at_most"),
        "max_kernel_weights": _row("weights of one filter", _kernel_weights, "at_most"),
        "max_stride": _row("stride", geometry.strides, "at_most"),
        "min_stride": _row("stride", geometry.strides, "at_least"),
        "strides": _row("stride", geometry.strides, "one_of", "counts"),
        "max_stride_height": _row("vertical stride", _last_stride(0), "at_most"),
        "max_stride_width": _row("horizontal stride", _last_stride(-1), "at_most"),
        "stride_form": _row("stride", _form(geometry.strides), "one_of", "texts", "square"),
        "max_dilation": _row("dilation", geometry.dilations, "at_most"),
        "dilations": _row("dilation", geometry.dilations, "one_of", "counts"),
        "dilation_form": _row("dilation", _form(geometry.dilations), "one_of", "texts", "square"),
        "pads": _row("padding", geometry.pads, "one_of", "integers"),
        "max_pad": _row("padding", geometry.pads, "at_most"),
        "groups": _row(
            "convolution", lambda op: (geometry.grouping(op),), "one_of", "texts", "dense", "depthwise", "grouped"
        ),
        "axes": _row("axis", geometry.axes, "one_of", "integers"),
        "forbidden_axes": _row("axis", geometry.axes, "none_of", "integers"),
        "axes_from_end": _row("axis from the end", _negative_axes, "one_of", "integers"),
        "steps": _row("step", geometry.steps, "one_of", "integers"),
        "scales": _row("scale", geometry.scales, "one_of", "counts"),
        "max_scale": _row("scale", geometry.scales, "at_most"),
        "min_scale": _row("scale", geometry.scales, "at_least"),
        "broadcast": _row(
            "broadcast",
            lambda op: (geometry.broadcasting(op),),
            "one_of",
            "texts",
            "none",
            "scalar",
            "channel",
            "other",
        ),
        "constant_inputs": _row("constant", geometry.constant_positions, "includes", "integers"),
        "single_inputs": _row("constant of one element", geometry.single_positions, "includes", "integers"),
        "max_inputs": _row("inputs", lambda op: (len(op.present_inputs),), "at_most"),
        "max_outputs": _row("outputs", lambda op: (len(op.present_outputs),), "at_most"),
    }
)
"""Every limit by the name that a table writes."""
