"""Operators that name elements anew, and those that make constants.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml``; ONNX operator specification, the operators by name.
"""

from attainable.workload.torch.lowering.call import Call, Lowering, Lowerings, Step, step


def same(call: Call) -> tuple[Step, ...]:
    """Identity: copies, changes of layout in memory, and what matters to gradients only."""
    return (step("Identity", (call.tensor("self", "input"),), call.outputs[:1]),)


def reshape(call: Call) -> tuple[Step, ...]:
    """Reshape; another view of the same bytes is BitCast."""
    x = call.tensor("self")
    if x.dtype != call.output.dtype:
        return (step("BitCast", (x,), call.outputs),)
    shape = call.output.shape
    return (step("Reshape", (x, call.integers_constant("shape", shape or ())), call.outputs),)


def dropout(call: Call) -> tuple[Step, ...]:
    """Dropout; the identity in inference."""
    x = call.tensor("input", "self")
    if not call.flag("train", call.target == "native_dropout"):
        return (step("Identity", (x,), call.outputs[:1]),)
    mode = (call.scalar("ratio", call.number("p", 0.5), dtype="float32"), call.scalar("training", 1, dtype="bool"))
    return (step("Dropout", (x, *mode), call.outputs),)


def expand(call: Call) -> tuple[Step, ...]:
    """Expand; a name where the shape stays."""
    x = call.tensor("self")
    if x.shape is not None and x.shape == call.output.shape:
        return (step("Identity", (x,), call.outputs),)
    return (step("Expand", (x, call.integers_constant("shape", call.output.dims)), call.outputs),)


def filled(call: Call) -> tuple[Step, ...]:
    """ConstantOfShape: zeros, ones and the like, known before the run."""
    return (step("ConstantOfShape", (call.integers_constant("shape", call.output.dims),), call.outputs),)


def filled_with(call: Call) -> tuple[Step, ...]:
    """Expand of a value that is a tensor; ConstantOfShape of a number."""
    value = call.optional("value")
    if value is None:
        return filled(call)
    return (step("Expand", (value, call.integers_constant("shape", call.output.dims)), call.outputs),)


def arithmetic_sequence(call: Call) -> tuple[Step, ...]:
    """Range of three numbers."""
    dtype = call.output.dtype
    start, stop = call.number("start", 0), call.number("end", 0)
    numbers = (("start", start), ("end", stop), ("step", call.number("step", 1)))
    return (step("Range", tuple(call.scalar(label, number, dtype=dtype) for label, number in numbers), call.outputs),)


def random(kind: str) -> Lowering:
    """Random numbers in the shape of the output."""

    def lower(call: Call) -> tuple[Step, ...]:
        return (step(kind, (), call.outputs, shape=call.output.dims),)

    return lower


LOWERINGS: Lowerings = {
    **dict.fromkeys(
        (
            "clone", "contiguous", "detach", "detach_copy", "alias", "lift_fresh_copy", "lift_fresh", "lift",
            "requires_grad", "resolve_conj", "resolve_neg", "positive", "real", "_conj", "identity",
        ),
        same,
    ),
    **dict.fromkeys(
        (
            "view", "reshape", "_unsafe_view", "_reshape_alias", "view_as", "reshape_as", "flatten", "unflatten",
            "squeeze", "unsqueeze", "view_copy", "unsqueeze_copy", "squeeze_copy", "ravel", "atleast_1d", "atleast_2d",
            "view_as_complex", "view_as_real",
        ),
        reshape,
    ),
    **dict.fromkeys(("dropout", "native_dropout", "feature_dropout", "alpha_dropout"), dropout),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to", "expand_copy"), expand),
    **dict.fromkeys(
        (
            "zeros", "ones", "full", "empty", "zeros_like", "ones_like", "full_like", "empty_like", "new_zeros",
            "new_ones", "new_full", "new_empty", "zero", "scalar_tensor", "empty_permuted", "empty_strided",
        ),
        filled,
    ),
    "fill": filled_with,
    "arange": arithmetic_sequence,
    **dict.fromkeys(("rand", "rand_like", "uniform", "randint", "randint_like"), random("RandomUniform")),
    **dict.fromkeys(("randn", "randn_like", "normal", "normal_functional"), random("RandomNormal")),
}  # fmt: skip
"""Views and constants by operator."""
