"""Operators that move elements and compute nothing.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml``; ONNX operator specification, the operators by name.
"""

from math import isqrt, prod

from attainable.workload.graph import AttributeValue, Tensor
from attainable.workload.torch.lowering.call import Call, Lowering, Lowerings, NotLowered, Step, step


def transpose(call: Call) -> tuple[Step, ...]:
    """Transpose with its permutation."""
    x = call.tensor("self")
    order = list(range(x.rank))
    if call.target in ("permute", "permute_copy"):
        order = [axis % x.rank for axis in call.integers("dims")]
    elif call.target in _REVERSED:
        order.reverse()
    elif call.target in ("movedim", "moveaxis"):
        source = tuple(axis % x.rank for axis in call.integers("source"))
        target = tuple(axis % x.rank for axis in call.integers("destination"))
        order = [axis for axis in order if axis not in source]
        for destination, axis in sorted(zip(target, source, strict=True)):
            order.insert(destination, axis)
    else:
        first, second = _SWAPPED.get(call.target, ("dim0", "dim1"))
        left, right = (call.axis(first, x.rank, -2), call.axis(second, x.rank, -1))
        order[left], order[right] = order[right], order[left]
    return (step("Transpose", (x,), call.outputs, perm=tuple(order)),)


_REVERSED = frozenset({"t", "numpy_T", "t_copy"})
_SWAPPED = {"swapaxes": ("axis0", "axis1")}


def concatenate(call: Call) -> tuple[Step, ...]:
    """Concat; empty vectors, which PyTorch lets pass, are left out."""
    parts = call.tensors("tensors")
    rank = call.output.rank
    used = tuple(part for part in parts if part.rank == rank)
    return (step("Concat", used, call.outputs, axis=call.axis("dim", rank)),)


def stack(call: Call) -> tuple[Step, ...]:
    """Unsqueeze each, then Concat."""
    axis = call.axis("dim", call.output.rank)
    where = call.integers_constant("axes", (axis,))
    steps: list[Step] = []
    layers: list[Tensor] = []
    for index, part in enumerate(call.tensors("tensors")):
        dims = part.dims
        layer = call.between(f"layer {index}", (*dims[:axis], 1, *dims[axis:]), part.dtype)
        steps.append(step("Unsqueeze", (part, where), (layer,)))
        layers.append(layer)
    return (*steps, step("Concat", tuple(layers), call.outputs, axis=axis))


def split(call: Call) -> tuple[Step, ...]:
    """Split along an axis."""
    x = call.tensor("self")
    return (step("Split", (x,), call.outputs, axis=call.axis("dim", x.rank), num_outputs=len(call.outputs)),)


def unbind(call: Call) -> tuple[Step, ...]:
    """Split into layers, and Squeeze each that is used."""
    x = call.tensor("self")
    axis = call.axis("dim", x.rank)
    dims = list(x.dims)
    dims[axis] = 1
    where = call.integers_constant("axes", (axis,))
    layers = [call.between(f"layer {index}", tuple(dims), x.dtype) for index in range(len(call.outputs))]
    names = [
        step("Squeeze", (layer, where), (made,))
        for layer, made in zip(layers, call.outputs, strict=True)
        if made is not None
    ]
    return (step("Split", (x,), tuple(layers), axis=axis, num_outputs=len(layers)), *names)


def cut(call: Call) -> tuple[Step, ...]:
    """Slice; a name where nothing is cut off."""
    x = call.tensor("self")
    if x.shape is not None and x.shape == call.output.shape:
        return (step("Identity", (x,), call.outputs),)
    return (_slice(call, x, call.output, axis=call.axis("dim", x.rank), start=0, label=""),)


def _slice(call: Call, x: Tensor, made: Tensor, *, axis: int, start: int, label: str) -> Step:
    """Slice of the extent of what it makes; where it starts matters to no count."""
    constants = (
        call.integers_constant(f"{label} starts".strip(), (start,)),
        call.integers_constant(f"{label} ends".strip(), (start + made.dims[axis],)),
        call.integers_constant(f"{label} axes".strip(), (axis,)),
    )
    return step("Slice", (x, *constants), (made,))


def select(call: Call) -> tuple[Step, ...]:
    """Gather of one index, or of those in a tensor."""
    x, index = call.tensor("self"), call.optional("index")
    if index is None:
        index = Tensor(f"{call.name}/index", (), "int64", True, None, 8)
    return (step("Gather", (x, index), call.outputs, axis=call.axis("dim", x.rank)),)


def embedding(call: Call) -> tuple[Step, ...]:
    """Gather of rows of the table."""
    return (step("Gather", (call.tensor("weight"), call.tensor("indices")), call.outputs, axis=0),)


def gather_elements(call: Call) -> tuple[Step, ...]:
    """GatherElements."""
    x = call.tensor("self")
    return (step("GatherElements", (x, call.tensor("index")), call.outputs, axis=call.axis("dim", x.rank)),)


def index(call: Call) -> tuple[Step, ...]:
    """Gather for one tensor of indices, GatherND for several. Raises NotLowered for a mask."""
    x, indices = call.tensor("self"), call.arguments.get("indices")
    found = indices if isinstance(indices, tuple) else ()
    used = [(axis, item) for axis, item in enumerate(found) if isinstance(item, Tensor)]
    if not used or any(item.dtype == "bool" for _, item in used):
        raise NotLowered(call.target)
    if len(used) == 1:
        axis, item = used[0]
        return (step("Gather", (x, item), call.outputs, axis=axis),)
    return (step("GatherND", (x, *(item for _, item in used)), call.outputs),)


def scatter(kind: str) -> Lowering:
    """A copy of the first argument with updates in it; a reduction computes one result an update."""

    def lower(call: Call) -> tuple[Step, ...]:
        updates = next((call.arguments[name] for name in ("src", "values", "source") if call.given(name)), None)
        if not isinstance(updates, Tensor):
            updates = call.operand("value")
        indices = call.arguments.get("index", call.arguments.get("indices"))
        if isinstance(indices, tuple):
            indices = next((item for item in indices if isinstance(item, Tensor)), None)
        if indices is not None and not isinstance(indices, Tensor):
            raise NotLowered(call.target)
        adds = call.target in _ADDING or call.flag("accumulate")
        inputs = (call.tensor("self"), indices, updates)
        return (step(kind, inputs, call.outputs, reduction="add" if adds else "none"),)

    return lower


_ADDING = frozenset({"scatter_add", "index_add"})


def scatter_slice(call: Call) -> tuple[Step, ...]:
    """ScatterND of a slice."""
    indices = Tensor(f"{call.name}/indices", (), "int64", True, None, 8)
    return (step("ScatterND", (call.tensor("self"), indices, call.tensor("src")), call.outputs),)


def with_output_shape(kind: str) -> Lowering:
    """Pad, Tile: an operator whose second input says how far it reaches."""

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self")
        return (step(kind, (x, call.integers_constant("reach", call.output.dims)), call.outputs),)

    return lower


def flip(call: Call) -> tuple[Step, ...]:
    """Slice backwards."""
    x = call.tensor("self")
    axes = call.integers_constant("axes", call.axes("dims", x.rank))
    return (step("Slice", (x, axes, axes, axes), call.outputs),)


def roll(call: Call) -> tuple[Step, ...]:
    """For each axis two slices that change places."""
    x, steps = call.tensor("self"), list[Step]()
    shifts, axes = call.integers("shifts"), call.axes("dims", x.rank)
    if len(shifts) != len(axes):
        raise NotLowered(call.target)
    for number, (shift, axis) in enumerate(zip(shifts, axes, strict=True)):
        extent = x.dims[axis]
        kept = extent - shift % extent if extent else 0
        parts: list[Tensor] = []
        for label, start, length in (("tail", kept, extent - kept), ("head", 0, kept)):
            dims = (*x.dims[:axis], length, *x.dims[axis + 1 :])
            part = call.between(f"{label} {number}", dims, x.dtype)
            steps.append(_slice(call, x, part, axis=axis, start=start, label=f"{label} {number}"))
            parts.append(part)
        last = number == len(axes) - 1
        joined = call.output if last else call.between(f"rolled {number}", x.shape, x.dtype)
        steps.append(step("Concat", tuple(parts), (joined,), axis=axis))
        x = joined
    return tuple(steps)


def shuffle_pixels(kind: str) -> Lowering:
    """DepthToSpace or SpaceToDepth."""

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self")
        few, many = sorted((prod(x.dims[-2:]), prod(call.output.dims[-2:])))
        size = isqrt(many // few) if few else 1
        return (step(kind, (x,), call.outputs, blocksize=size, mode="CRD"),)

    return lower


def shuffle_channels(call: Call) -> tuple[Step, ...]:
    """Reshape, Transpose of groups and channels, Reshape."""
    x, groups = call.tensor("self"), call.integer("groups", 1)
    batch, channels, *others = x.dims
    grouped = (batch, groups, channels // groups, *others)
    swapped = (batch, channels // groups, groups, *others)
    apart, turned = call.between("groups", grouped, x.dtype), call.between("turned", swapped, x.dtype)
    return (
        step("Reshape", (x, call.integers_constant("grouped", grouped)), (apart,)),
        step("Transpose", (apart,), (turned,), perm=(0, 2, 1, *range(3, len(grouped)))),
        step("Reshape", (turned, call.integers_constant("shape", x.dims)), call.outputs),
    )


def windows(call: Call) -> tuple[Step, ...]:
    """Gather of overlapping windows, each written out."""
    indices = Tensor(f"{call.name}/windows", (), "int64", True, None, 8)
    return (step("Gather", (call.tensor("self"), indices), call.outputs),)


def put_together(call: Call) -> tuple[Step, ...]:
    """Col2Im: overlapping windows are added up."""
    sizes = (("output_size", "image"), ("kernel_size", "block"))
    shapes = tuple(call.integers_constant(label, call.integers(name)) for name, label in sizes)
    attributes: dict[str, AttributeValue] = {
        "strides": call.integers("stride"),
        "dilations": call.integers("dilation"),
        "pads": 2 * call.integers("padding"),
    }
    return (step("Col2Im", (call.tensor("self"), *shapes), call.outputs, **attributes),)


def broadcast(call: Call) -> tuple[Step, ...]:
    """Expand each."""
    parts = zip(call.tensors("tensors"), call.outputs, strict=True)
    return tuple(
        step("Expand", (part, call.integers_constant(f"shape {index}", made.dims)), (made,))
        for index, (part, made) in enumerate(parts)
        if made is not None
    )


def triangle(call: Call) -> tuple[Step, ...]:
    """Trilu."""
    x = call.tensor("self")
    diagonal = Tensor(f"{call.name}/diagonal", (), "int64", True, (call.integer("diagonal", 0),), 8)
    return (step("Trilu", (x, diagonal), call.outputs, upper=int(call.target == "triu")),)


def copy(call: Call) -> tuple[Step, ...]:
    """What is written into a tensor takes its place: Expand or Cast where shape or element type differ."""
    source, made = call.tensor("src"), call.output
    if source.shape != made.shape:
        return (step("Expand", (source, call.integers_constant("shape", made.dims)), call.outputs),)
    return (step("Identity" if source.dtype == made.dtype else "Cast", (source,), call.outputs),)


def one_hot(call: Call) -> tuple[Step, ...]:
    """OneHot of as many classes as the last axis has."""
    *_, classes = call.output.dims
    depth = call.integers_constant("depth", (classes,))
    values = call.integers_constant("values", (0, 1))
    return (step("OneHot", (call.tensor("self"), depth, values), call.outputs, axis=-1),)


def positions(call: Call) -> tuple[Step, ...]:
    """NonZero."""
    return (step("NonZero", (call.tensor("self"),), call.outputs),)


LOWERINGS: Lowerings = {
    **dict.fromkeys(
        (
            "permute", "permute_copy", "transpose", "transpose_copy", "t", "t_copy", "numpy_T", "mT", "adjoint",
            "movedim", "moveaxis", "swapaxes", "swapdims",
        ),
        transpose,
    ),
    **dict.fromkeys(("cat", "concat", "concatenate"), concatenate),
    "stack": stack,
    **dict.fromkeys(
        ("split", "split_with_sizes", "chunk", "tensor_split", "unsafe_split", "unsafe_chunk", "split_copy",
         "split_with_sizes_copy"),
        split,
    ),
    **dict.fromkeys(("unbind", "unbind_copy"), unbind),
    **dict.fromkeys(("slice", "slice_copy", "narrow", "narrow_copy", "diagonal"), cut),
    **dict.fromkeys(("select", "select_copy", "index_select"), select),
    "embedding": embedding,
    **dict.fromkeys(("gather", "take_along_dim"), gather_elements),
    **dict.fromkeys(("index", "_unsafe_index"), index),
    **dict.fromkeys(("scatter", "scatter_add", "scatter_reduce"), scatter("ScatterElements")),
    **dict.fromkeys(("index_put", "_unsafe_index_put", "index_add", "index_copy", "index_fill"), scatter("ScatterND")),
    **dict.fromkeys(("slice_scatter", "select_scatter", "diagonal_scatter"), scatter_slice),
    **dict.fromkeys(("repeat", "tile", "repeat_interleave"), with_output_shape("Tile")),
    **dict.fromkeys(
        (
            "constant_pad_nd", "pad", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
            "replication_pad2d", "replication_pad3d",
        ),
        with_output_shape("Pad"),
    ),
    "flip": flip,
    "roll": roll,
    "pixel_shuffle": shuffle_pixels("DepthToSpace"),
    "pixel_unshuffle": shuffle_pixels("SpaceToDepth"),
    "channel_shuffle": shuffle_channels,
    **dict.fromkeys(("unfold", "im2col"), windows),
    "col2im": put_together,
    **dict.fromkeys(("meshgrid", "broadcast_tensors"), broadcast),
    **dict.fromkeys(("tril", "triu"), triangle),
    "copy": copy,
    "one_hot": one_hot,
    "nonzero": positions,
}  # fmt: skip
"""Movement by operator."""
