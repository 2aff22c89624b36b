"""Fourier transforms, windows and the mel scale.

::

    y[m, k] = sum over n of  exp(-2 pi j k n / N) * x[m, n]

m a signal, M of them; n sample, N of them; k frequency. ONNX does not say how the sum is evaluated. The convention is
the fast Fourier transform: 5 N log2 N operations for N complex samples, half of it where one side is real, whatever N;
an inverse transform divides each number by N.

Source: ONNX operator specification, DFT, STFT, MelWeightMatrix and the function bodies of BlackmanWindow, HannWindow
and HammingWindow 17; 5 N log2 N: M. Frigo and S. G. Johnson, "The Design and Implementation of FFTW3" (2005).
"""

from math import log2, prod

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op, Tensor, UnresolvedShape


def fourier_transform(op: Op) -> Work:
    """One transform for each signal along the axis."""
    x, y = op.input(0), op.output
    axis = _axis(op) % x.rank
    one_sided_inverse = op.integer("inverse", 0) and op.integer("onesided", 0)
    length = _given(op.optional_input(1))
    if length is None:
        if op.optional_input(1) is None:
            length = 2 * (x.dims[axis] - 1) if one_sided_inverse else x.dims[axis]
        else:
            length = 2 * (y.dims[axis] - 1) if op.integer("onesided", 0) and not one_sided_inverse else y.dims[axis]
    *signals_and_samples, parts = x.dims
    signals = prod(extent for position, extent in enumerate(signals_and_samples) if position != axis)
    real = parts == 1 or y.dims[-1] == 1
    operations = signals * _fast_transform(length, real=real)
    return scalar_results(op, operations + (y.elements if op.integer("inverse", 0) else 0))


def _axis(op: Op) -> int:
    """The transformed axis: an attribute before opset 20, an input since.

    Raises:
        UnresolvedShape: the axis is computed at run time.
    """
    if op.opset < 20:
        return op.integer("axis", 1)
    if op.optional_input(2) is None:
        return -2
    axis = _given(op.optional_input(2))
    if axis is None:
        raise UnresolvedShape(f"axis of {op.kind}")
    return axis


def _given(tensor: Tensor | None) -> int | None:
    """The number in a constant, where it is known."""
    return int(tensor.value[0]) if tensor is not None and tensor.value else None


def _fast_transform(length: int, *, real: bool) -> int:
    """Operations of a fast Fourier transform of ``length`` samples, rounded."""
    if length < 2:
        return 0
    return round((2.5 if real else 5) * length * log2(length))


def short_time_fourier_transform(op: Op) -> Work:
    """One transform for each frame, whose samples are multiplied by the window where there is one."""
    signal, window = op.input(0), op.optional_input(2)
    batch, frames, frequencies, _ = op.output.dims
    length = _given(op.optional_input(3))
    if window is not None:
        length = window.elements
    elif length is None:
        given = op.optional_input(3) is not None
        one_sided = 2 * (frequencies - 1) if op.integer("onesided", 1) else frequencies
        length = one_sided if given else signal.dims[1]
    parts = signal.dims[2] if signal.rank == 3 else 1
    windowed = length * parts if window is not None else 0
    return scalar_results(op, batch * frames * (windowed + _fast_transform(length, real=parts == 1)))


def window(op: Op) -> Work:
    """Angles 2 per sample after the range's 1, two cosines of the angle and its double 3, 4 to weigh and add: 9n + 9.

    The body gives every window three terms, also where the third has the weight 0. The range adds 4 operations, the
    angle's step 5.
    """
    return scalar_results(op, 9 * op.output.elements + 9, dtype="float32")


def mel_weights(op: Op) -> Work:
    """Triangular filters: each weight is the smaller of a rising and a falling slope and not below 0, 6 operations.

    Each of the M + 2 corners is a step on the mel scale (2), put back into hertz (4) and into a bin (3); the two ends
    are put on the mel scale (4 each) and the step takes 2.
    """
    _, filters = op.output.dims
    return scalar_results(op, 6 * op.output.elements + 9 * (filters + 2) + 10, dtype="float32")


RULES: Rules = {
    "DFT": Rule(fourier_transform, parameters=()),
    "STFT": Rule(short_time_fourier_transform, parameters=()),
    **{kind: Rule(window, parameters=()) for kind in ("BlackmanWindow", "HammingWindow", "HannWindow")},
    "MelWeightMatrix": Rule(mel_weights, parameters=()),
}
"""Signal processing by operator."""
