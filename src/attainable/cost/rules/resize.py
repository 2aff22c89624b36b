"""Interpolation.

::

    y[n, c, o] = sum over t of  weight[o, t] * x[n, c, position(o) + t]

n batch, c channel, o output position, t tap. An axis that changes its extent has 2 taps (linear) or 4 (cubic), more
where antialiasing widens the filter of an axis that shrinks: taps / scale, rounded up. The weights depend on the
position alone and are shared by all images and channels: they are constants. An output of T taps, the product over the
resized axes, costs T products and T - 1 additions. The nearest element is a selection: zero operations.

Source: ONNX operator specification, Resize 19 and Upsample 9; R. Keys, "Cubic convolution interpolation" (1981).
"""

from attainable.cost.work import Rule, Rules, Work, movement, partly_read, scalar_results
from attainable.workload.graph import Op

_TAPS = {"linear": 2, "bilinear": 2, "cubic": 4}


def resize(op: Op) -> Work:
    """2T - 1 operations per output of T taps; nothing for the nearest element, which reads only what it takes."""
    x, y = op.input(0), op.output
    taps_per_axis = _TAPS.get(op.text("mode", "nearest"))
    if taps_per_axis is None:
        return partly_read(movement(op), x, y.bytes)
    antialias = bool(op.integer("antialias", 0))
    taps = 1
    for extent, resized in zip(x.dims, y.dims, strict=True):
        if extent != resized:
            taps *= -(-taps_per_axis * extent // resized) if antialias and resized < extent else taps_per_axis
    return scalar_results(op, (2 * taps - 1) * y.elements if taps > 1 else 0)


RULES: Rules = {
    "Resize": Rule(resize, parameters=(0,)),
    "Upsample": Rule(resize, parameters=(0,)),
}
"""Interpolation by operator."""
