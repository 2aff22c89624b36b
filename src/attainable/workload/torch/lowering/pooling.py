"""Pooling and interpolation.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml``; ONNX operator specification, MaxPool 22,
AveragePool 22, GlobalAveragePool 22, Resize 19, GridSample 22.
"""

from attainable.workload.graph import AttributeValue
from attainable.workload.torch.lowering.call import Call, Lowering, Lowerings, NotLowered, Step, step


def pool(kind: str, axes: int) -> Lowering:
    """A window that slides over the last axes."""

    def lower(call: Call) -> tuple[Step, ...]:
        kernel = _spread(call.integers("kernel_size"), axes)
        attributes: dict[str, AttributeValue] = {
            "kernel_shape": kernel,
            "strides": _spread(call.integers("stride"), axes) or kernel,
            "pads": 2 * (_spread(call.integers("padding"), axes) or (0,) * axes),
            "ceil_mode": int(call.flag("ceil_mode")),
        }
        if kind == "AveragePool":
            attributes["count_include_pad"] = int(call.flag("count_include_pad", True))
        elif call.given("dilation"):
            attributes["dilations"] = _spread(call.integers("dilation"), axes)
        return (step(kind, (call.tensor("self"),), call.outputs, **attributes),)

    return lower


def _spread(values: tuple[int, ...], axes: int) -> tuple[int, ...]:
    return values * axes if len(values) == 1 else values


def adaptive_pool(kind: str, axes: int) -> Lowering:
    """A pool whose window follows from the extents: the whole axis, or an equal part of it.

    Raises:
        NotLowered: the parts are not equal, or the positions of the largest elements of the whole are asked for.
    """

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self")
        given, wanted = x.dims[x.rank - axes :], call.output.dims[x.rank - axes :]
        if any(not extent or whole % extent for whole, extent in zip(given, wanted, strict=True)):
            raise NotLowered(call.target)
        if all(extent == 1 for extent in wanted) and (len(call.outputs) == 1 or call.outputs[1] is None):
            return (step(f"Global{kind}", (x,), call.outputs[:1]),)
        kernel = tuple(whole // extent for whole, extent in zip(given, wanted, strict=True))
        return (step(kind, (x,), call.outputs, kernel_shape=kernel, strides=kernel),)

    return lower


def resize(mode: str, *, antialias: int = 0) -> Lowering:
    """Resize to the extents of the output."""

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self", "input")
        corners = "align_corners" if call.flag("align_corners") else "pytorch_half_pixel"
        return (
            step(
                "Resize", (x, None, None, call.integers_constant("sizes", call.output.dims)), call.outputs, mode=mode,
                antialias=antialias, coordinate_transformation_mode="asymmetric" if mode == "nearest" else corners,
            ),
        )  # fmt: skip

    return lower


def sample_grid(call: Call) -> tuple[Step, ...]:
    """GridSample: the modes are numbers in PyTorch."""
    mode = _SAMPLING_MODES[call.integer("interpolation_mode", 0) % len(_SAMPLING_MODES)]
    padding = _PADDING_MODES[call.integer("padding_mode", 0) % len(_PADDING_MODES)]
    corners = int(call.flag("align_corners"))
    inputs = (call.tensor("input"), call.tensor("grid"))
    return (step("GridSample", inputs, call.outputs, mode=mode, padding_mode=padding, align_corners=corners),)


_SAMPLING_MODES = ("linear", "nearest", "cubic")
_PADDING_MODES = ("zeros", "border", "reflection")

LOWERINGS: Lowerings = {
    **{f"max_pool{axes}d": pool("MaxPool", axes) for axes in (1, 2, 3)},
    **{f"max_pool{axes}d_with_indices": pool("MaxPool", axes) for axes in (1, 2, 3)},
    **{f"avg_pool{axes}d": pool("AveragePool", axes) for axes in (1, 2, 3)},
    **{
        f"{mark}adaptive_avg_pool{axes}d": adaptive_pool("AveragePool", axes)
        for axes in (1, 2, 3)
        for mark in ("", "_")
    },
    **{f"adaptive_max_pool{axes}d": adaptive_pool("MaxPool", axes) for axes in (1, 2, 3)},
    **{f"upsample_nearest{axes}d": resize("nearest") for axes in (1, 2, 3)},
    **{f"_upsample_nearest_exact{axes}d": resize("nearest") for axes in (1, 2, 3)},
    "upsample_linear1d": resize("linear"),
    "upsample_bilinear2d": resize("linear"),
    "upsample_trilinear3d": resize("linear"),
    "upsample_bicubic2d": resize("cubic"),
    "_upsample_bilinear2d_aa": resize("linear", antialias=1),
    "_upsample_bicubic2d_aa": resize("cubic", antialias=1),
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), sample_grid),
}
"""Pooling and interpolation by operator."""
