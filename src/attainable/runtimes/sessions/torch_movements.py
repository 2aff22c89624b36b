"""From operators of ONNX that move, select, fill or convert to functions of PyTorch; loaded in the worker.

As ``torch_operators``, which has those that compute.
"""

import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, cast

Build = Callable[[Any], Callable[..., Any]]
Unary = Callable[[Any], Any]
Binary = Callable[[Any, Any], Any]
Ternary = Callable[[Any, Any, Any], Any]

_VALUES = ("value_float", "value_floats", "value_int", "value_ints")
"""Attributes of Constant, beside ``value``."""


def operators(torch: Any, type_of: Callable[[int], Any]) -> dict[str, Build]:
    """The table's rows of operators that move, select, fill or convert.

    Args:
        torch: the module.
        type_of: the type to compute in for a number of ``TensorProto.DataType``.
    """
    return {**_movements(torch), **_selections(torch), **_constants(torch, type_of), **_quantisations(torch)}


def _movements(torch: Any) -> dict[str, Build]:
    functional = torch.nn.functional

    def reshape(node: Any) -> Unary:
        wanted, shape = node.numbers(1), node.shape(0)
        if not node.attribute("allowzero", 0):
            wanted = [shape[axis] if extent == 0 else extent for axis, extent in enumerate(wanted)]
        return lambda x: torch.reshape(x, wanted)

    def flatten(node: Any) -> Unary:
        shape, axis = node.shape(0), node.attribute("axis", 1)
        axis = axis if axis >= 0 else axis + len(shape)
        wanted = [math.prod(shape[:axis]), math.prod(shape[axis:])]
        return lambda x: torch.reshape(x, wanted)

    def squeeze(node: Any) -> Unary:
        axes, shape = node.numbers(1, "axes"), node.shape(0)
        gone = {axis % len(shape) for axis in axes} if axes else {at for at, extent in enumerate(shape) if extent == 1}
        wanted = [extent for axis, extent in enumerate(shape) if axis not in gone]
        return lambda x: torch.reshape(x, wanted)

    def unsqueeze(node: Any) -> Unary:
        wanted, axes = list(node.shape(0)), node.numbers(1, "axes")
        rank = len(wanted) + len(axes)
        for axis in sorted(axis % rank for axis in axes):
            wanted.insert(axis, 1)
        return lambda x: torch.reshape(x, wanted)

    def transpose(node: Any) -> Unary:
        order = node.attribute("perm") or list(range(len(node.shape(0))))[::-1]
        return lambda x: torch.permute(x, order)

    def concat(node: Any) -> Callable[..., Any]:
        axis = node.attribute("axis")

        def joined(*operands: Any) -> Any:
            return torch.cat(operands, axis)

        return joined

    def split(node: Any) -> Unary:
        axis, sizes = node.attribute("axis", 0), node.numbers(1, "split")
        if sizes is None:
            each = -(-node.shape(0)[axis] // (node.attribute("num_outputs") or node.outputs))
            return lambda x: tuple(torch.split(x, each, axis))
        return lambda x: tuple(torch.split(x, sizes, axis))

    def cut(node: Any) -> Unary:
        starts, ends, shape = node.numbers(1), node.numbers(2), node.shape(0)
        axes, steps = node.numbers(3), node.numbers(4)
        parts = [slice(None)] * len(shape)
        turned: list[int] = []
        for start, end, axis, step in zip(
            starts, ends, axes or range(len(starts)), steps or [1] * len(starts), strict=True
        ):
            covered = range(shape[axis])[start:end:step]
            if step < 0:
                turned.append(axis % len(shape))
                covered = covered[::-1]
            parts[axis] = slice(covered.start, covered.stop, covered.step)
        if turned:
            return lambda x: torch.flip(x[tuple(parts)], turned)
        return lambda x: x[tuple(parts)]

    def expand(node: Any) -> Unary:
        wanted, shape = node.numbers(1), node.shape(0)
        both = zip_longest(reversed(wanted), reversed(shape), fillvalue=1)
        extents = [ours if theirs == 1 else theirs for theirs, ours in both][::-1]
        return lambda x: x.expand(extents)

    def tile(node: Any) -> Unary:
        times = node.numbers(1)
        return lambda x: torch.tile(x, times)

    def pad(node: Any) -> Unary:
        pads, value, axes = node.numbers(1), node.numbers(2, default=0), node.numbers(3)
        mode, rank = node.attribute("mode", "constant"), len(node.shape(0))
        modes = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
        node.require(mode in modes, "Pad in this mode")
        before, after = [0] * rank, [0] * rank
        for at, axis in enumerate(axes or range(rank)):
            before[axis], after[axis] = pads[at], pads[at + len(pads) // 2]
        padding = [extent for both in zip(before[::-1], after[::-1], strict=True) for extent in both]
        if mode != "constant":
            # PyTorch takes pads of the spatial axes only, all of them.
            while len(padding) > max(2, 2 * (rank - 2)) and padding[-2:] == [0, 0]:
                del padding[-2:]
            return lambda x: functional.pad(x, padding, modes[mode])
        number = _scalar(value) or 0
        return lambda x: functional.pad(x, padding, value=number)

    def blocks(node: Any) -> tuple[int, int, int, int, int]:
        return (*node.shape(0), node.attribute("blocksize"))

    def depth_to_space(node: Any) -> Unary:
        batch, channels, height, width, size = blocks(node)
        if node.attribute("mode", "DCR") == "CRD":
            return lambda x: functional.pixel_shuffle(x, size)
        parts, wanted = (batch, size, size, channels // size**2, height, width), (height * size, width * size)
        return lambda x: (
            x.reshape(parts).permute(0, 3, 4, 1, 5, 2).reshape(batch, channels // size**2, *wanted)
        )  # fmt: skip

    def space_to_depth(node: Any) -> Unary:
        batch, channels, height, width, size = blocks(node)
        parts, wanted = (batch, channels, height // size, size, width // size, size), (height // size, width // size)
        return lambda x: (
            x.reshape(parts).permute(0, 3, 5, 1, 2, 4).reshape(batch, channels * size**2, *wanted)
        )  # fmt: skip

    def resize(node: Any) -> Unary:
        node.numbers(1)
        scales, sizes, shape = node.numbers(2), node.numbers(3), node.shape(0)
        mode, where = node.attribute("mode", "nearest"), node.attribute(
            "coordinate_transformation_mode", "half_pixel"
        )  # fmt: skip
        node.require(not node.attribute("axes") and not node.attribute("antialias", 0), "Resize with axes or antialias")
        node.require(node.attribute("keep_aspect_ratio_policy", "stretch") == "stretch", "Resize that keeps the aspect")
        node.require(not node.attribute("exclude_outside", 0), "Resize with exclude_outside")
        # Of another mode than this one; exporters write them all.
        node.ignore("nearest_mode", "cubic_coeff_a", "extrapolation_value")
        if not sizes:
            sizes = [math.floor(extent * scale) for extent, scale in zip(shape, scales, strict=True)]
        node.require(list(sizes[:2]) == shape[:2], "Resize of batch or channels")
        wanted, ratios = list(sizes[2:]), [new / old for new, old in zip(sizes[2:], shape[2:], strict=True)]
        exact = not scales or all(
            math.isclose(new, old, rel_tol=1e-6) for new, old in zip(ratios, scales[2:], strict=True)
        )
        node.require(exact, "Resize by a scale that does not give whole extents")
        if mode == "nearest":
            # Whole factors with the rounding down of torch: what upsampling layers are exported as.
            whole = all(ratio == int(ratio) for ratio in ratios)
            plain = (where, node.attribute("nearest_mode", "round_prefer_floor")) in (
                ("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")
            )  # fmt: skip
            node.require(whole and plain, "Resize to the nearest with this rounding")
            return lambda x: functional.interpolate(x, wanted, mode="nearest")
        corners = {"align_corners": True, "half_pixel": False, "pytorch_half_pixel": False}
        modes = {
            ("linear", 1): "linear",
            ("linear", 2): "bilinear",
            ("linear", 3): "trilinear",
            ("cubic", 2): "bicubic",
        }
        named = modes.get((mode, len(wanted)))
        node.require(where in corners and named is not None, "Resize in this mode")
        node.require(mode != "cubic" or node.attribute("cubic_coeff_a", -0.75) == -0.75, "Resize with this cubic")
        return lambda x: functional.interpolate(x, wanted, mode=named, align_corners=corners[where])

    return {
        "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose,
        "Concat": concat, "Split": split, "Slice": cut, "Expand": expand, "Tile": tile, "Pad": pad,
        "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth, "Resize": resize,
    }  # fmt: skip


def _selections(torch: Any) -> dict[str, Build]:
    def positive(places: Any, extent: int) -> Any:
        places = places.to(torch.int64)
        return torch.where(places < 0, places + extent, places)

    def counted(node: Any, extent: int) -> Unary:
        """Counts places from the start, where ONNX counts negative ones from the end; known ones once."""

        def count(places: Any) -> Any:
            return positive(places, extent)

        def as_it_is(places: Any) -> Any:
            return places

        return as_it_is if node.prepare(1, count) else count

    def gather(node: Any) -> Callable[..., Any]:
        shape = node.shape(0)
        axis = node.attribute("axis", 0) % len(shape)
        extents = [*shape[:axis], *node.shape(1), *shape[axis + 1 :]]
        if node.is_constant(1) and not node.shape(1):
            index = node.numbers(1)

            def select(x: Any) -> Any:
                return torch.select(x, axis, index)

            return select
        positive = counted(node, shape[axis])
        if node.is_constant(0) and axis == 0 and len(shape) == 2:

            def rows(table: Any, places: Any) -> Any:
                return torch.nn.functional.embedding(positive(places), table)

            return rows

        def take(x: Any, places: Any) -> Any:
            return torch.index_select(x, axis, positive(places).reshape(-1)).reshape(extents)

        return take

    def gather_elements(node: Any) -> Binary:
        axis, shape = node.attribute("axis", 0), node.shape(0)
        positive = counted(node, shape[axis])
        return lambda x, places: torch.gather(x, axis, positive(places))

    def scatter_elements(node: Any) -> Ternary:
        axis, shape = node.attribute("axis", 0), node.shape(0)
        node.require(node.attribute("reduction", "none") == "none", "ScatterElements that reduces")
        positive = counted(node, shape[axis])
        return lambda x, places, update: torch.scatter(x, axis, positive(places), update)

    def gather_nd(node: Any) -> Binary:
        node.require(not node.attribute("batch_dims", 0), "GatherND with batch_dims")
        return lambda x, places: x[tuple(places.to(torch.int64).unbind(-1))]

    def scatter_nd(node: Any) -> Ternary:
        node.require(node.attribute("reduction", "none") == "none", "ScatterND that reduces")
        return lambda x, places, update: torch.index_put(x, tuple(places.to(torch.int64).unbind(-1)), update)

    def triangle(node: Any) -> Unary:
        diagonal = _scalar(node.numbers(1, default=0))
        function = torch.triu if node.attribute("upper", 1) else torch.tril
        return lambda x: function(x, diagonal)

    return {
        "Gather": gather, "GatherElements": gather_elements, "ScatterElements": scatter_elements,
        "GatherND": gather_nd, "ScatterND": scatter_nd, "Trilu": triangle,
    }  # fmt: skip


def _constants(torch: Any, type_of: Callable[[int], Any]) -> dict[str, Build]:
    def constant(node: Any) -> Callable[..., Any]:
        value = node.tensor("value")
        if value is None:
            given = next((node.attribute(name) for name in _VALUES if node.attribute(name) is not None), None)
            node.require(given is not None, "Constant of this kind")
            kind = torch.float32 if isinstance(given[0] if isinstance(given, list) else given, float) else torch.int64
            value = torch.tensor(given, dtype=kind)
        return lambda: value

    def filled(node: Any) -> Callable[..., Any]:
        extents, value = node.numbers(0), node.tensor("value")
        value = torch.zeros(1) if value is None else value
        return lambda: value.reshape([1] * len(extents)).expand(extents).contiguous()

    def steps(node: Any) -> Callable[..., Any]:
        start, limit, delta = (node.numbers(at) for at in range(3))
        kind = node.dtype(0)
        return lambda: torch.arange(start, limit, delta, dtype=kind)

    def shape(node: Any) -> Unary:
        start, end = node.attribute("start", 0), node.attribute("end")
        return lambda x: torch.tensor(list(x.shape)[start:end], dtype=torch.int64)

    def size(x: Any) -> Any:
        return torch.tensor(x.numel(), dtype=torch.int64)

    def require_rounding(node: Any, kind: Any) -> None:
        # PyTorch gives what is too large as no number, and rounds powers of two in its own way.
        saturates, name = node.attribute("saturate", 1), str(kind)
        node.ignore("round_mode")
        node.require(
            "float8" not in name or (not saturates and "e8m0" not in name), f"{node.kind} to {name} (saturate)"
        )

    def cast_like(node: Any) -> Binary:
        require_rounding(node, node.dtype(1))
        return lambda x, other: x.to(other.dtype)

    def convert(node: Any) -> Unary:
        kind = type_of(node.attribute("to"))
        require_rounding(node, kind)
        return lambda x: x.to(kind)

    return {
        "Constant": constant, "ConstantOfShape": filled, "Range": steps, "Shape": shape,
        "Size": _always(size), "Cast": convert, "CastLike": cast_like,
    }  # fmt: skip


def _quantisations(torch: Any) -> dict[str, Build]:
    def shaped(node: Any) -> Callable[[Any], Any]:
        """Gives scales and zero points the axes of what they belong to."""
        node.require(not node.attribute("block_size", 0), "quantisation in blocks")
        node.require(not node.attribute("precision", 0), f"{node.kind} with precision")
        rank, scales = len(node.shape(0)), math.prod(node.shape(1))
        axis = node.attribute("axis", 1) % max(1, rank)
        extents = [scales if at == axis and scales > 1 else 1 for at in range(rank)]
        return lambda each: each.reshape(extents)

    def quantise(node: Any) -> Callable[..., Any]:
        fit = shaped(node)
        node.require(node.has(2) or not node.attribute("output_dtype", 0), "QuantizeLinear with output_dtype alone")
        # Integers are always cut off at their limits, and a zero point has the type of the result.
        node.ignore("saturate", "output_dtype")

        def to_integers(x: Any, scale: Any, zero: Any = None) -> Any:
            kind = torch.uint8 if zero is None else zero.dtype
            limits = torch.iinfo(kind)
            levels = torch.round(x / fit(scale)) + (0 if zero is None else fit(zero).to(x.dtype))
            return levels.clamp(limits.min, limits.max).to(kind)

        return to_integers

    def restore(node: Any) -> Callable[..., Any]:
        fit = shaped(node)
        node.require(not node.attribute("output_dtype", 0), "DequantizeLinear with output_dtype")

        def to_numbers(x: Any, scale: Any, zero: Any = None) -> Any:
            levels = x.to(scale.dtype)
            return (levels if zero is None else levels - fit(zero).to(scale.dtype)) * fit(scale)

        return to_numbers

    return {"QuantizeLinear": quantise, "DequantizeLinear": restore}


def _always(function: Callable[..., Any]) -> Build:
    def build(node: Any) -> Callable[..., Any]:
        del node
        return function

    return build


def _scalar(elements: Any) -> Any:
    """A single element, which files give as a scalar or in a list of one."""
    if not isinstance(elements, list):
        return elements
    (element,) = cast("list[Any]", elements)
    return element
