"""Normalisation and softmax.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml``; ONNX operator specification, BatchNormalization 15,
LayerNormalization 17, GroupNormalization 21, RMSNormalization 23, MeanVarianceNormalization 13, Softmax 13.
"""

from attainable.workload.graph import Tensor
from attainable.workload.torch.lowering.call import Call, Lowering, Lowerings, NotLowered, Step, step


def batch_normalization(call: Call) -> tuple[Step, ...]:
    """BatchNormalization; without scale and shift only the difference and the quotient.

    Raises:
        NotLowered: statistics of the batch without scale and shift.
    """
    x, scale, shift = call.tensor("input"), call.optional("weight"), call.optional("bias")
    mean, variance = call.optional("running_mean"), call.optional("running_var")
    training = call.flag("training", call.target in _TRAINING)
    if scale is not None and shift is not None:
        inputs = (x, scale, shift, mean, variance)
        return (step("BatchNormalization", inputs, call.outputs[:1], training_mode=int(training)),)
    if training or mean is None or variance is None:
        raise NotLowered(call.target)
    raised, root = (call.between(label, variance.shape, variance.dtype) for label in ("raised", "root"))
    centred = call.between("centred", x.shape, x.dtype)
    return (
        step("Add", (variance, call.scalar("epsilon", call.number("eps", 1e-5), dtype=variance.dtype)), (raised,)),
        step("Sqrt", (raised,), (root,)),
        step("Sub", (x, mean), (centred,)),
        step("Div", (centred, root), call.outputs[:1]),
    )


_TRAINING = frozenset({"_native_batch_norm_legit_functional", "_native_batch_norm_legit"})


def layer_normalization(call: Call) -> tuple[Step, ...]:
    """LayerNormalization; MeanVarianceNormalization where there is neither scale nor shift."""
    x, scale, axes = call.tensor("input"), call.optional("weight"), len(call.integers("normalized_shape"))
    if scale is None:
        last = tuple(range(x.rank - axes, x.rank))
        return (step("MeanVarianceNormalization", (x,), call.outputs[:1], axes=last),)
    return (step("LayerNormalization", (x, scale, call.optional("bias")), call.outputs[:1], axis=-axes),)


def root_mean_square_normalization(call: Call) -> tuple[Step, ...]:
    """RMSNormalization; without a scale the square, its mean, the root and the quotient one by one."""
    x, scale, axes = call.tensor("input"), call.optional("weight"), len(call.integers("normalized_shape"))
    if scale is not None:
        return (step("RMSNormalization", (x, scale), call.outputs[:1], axis=-axes),)
    kept = (*x.dims[: x.rank - axes], *(1 for _ in range(axes)))
    last = call.integers_constant("axes", tuple(range(x.rank - axes, x.rank)))
    squares = call.between("squares", x.shape, x.dtype)
    mean, raised, root = (call.between(label, kept, x.dtype) for label in ("mean", "raised", "root"))
    return (
        step("Mul", (x, x), (squares,)),
        step("ReduceMean", (squares, last), (mean,), keepdims=1),
        step("Add", (mean, call.scalar("epsilon", call.number("eps", 1e-5), dtype=x.dtype)), (raised,)),
        step("Sqrt", (raised,), (root,)),
        step("Div", (x, root), call.outputs[:1]),
    )


def group_normalization(call: Call) -> tuple[Step, ...]:
    """GroupNormalization. Raises NotLowered without scale and shift, which ONNX requires."""
    inputs = (call.tensor("input"), call.tensor("weight"), call.tensor("bias"))
    groups = call.integer("num_groups", call.integer("group", 1))
    return (step("GroupNormalization", inputs, call.outputs[:1], num_groups=groups),)


def instance_normalization(call: Call) -> tuple[Step, ...]:
    """InstanceNormalization; MeanVarianceNormalization where there is neither scale nor shift.

    Raises:
        NotLowered: running statistics are used instead of those of the image.
    """
    x, scale, shift = call.tensor("input"), call.optional("weight"), call.optional("bias")
    if not call.flag("use_input_stats", True):
        raise NotLowered(call.target)
    if scale is None or shift is None:
        return (step("MeanVarianceNormalization", (x,), call.outputs[:1], axes=tuple(range(2, x.rank))),)
    return (step("InstanceNormalization", (x, scale, shift), call.outputs[:1]),)


def softmax(kind: str) -> Lowering:
    """Softmax along one axis; another element type is converted to first."""

    def lower(call: Call) -> tuple[Step, ...]:
        x, steps = call.tensor("self"), list[Step]()
        axis = call.axis("dim", x.rank, -1)
        if x.dtype != call.output.dtype:
            converted: Tensor = call.between("converted", x.shape, call.output.dtype)
            steps.append(step("Cast", (x,), (converted,)))
            x = converted
        return (*steps, step(kind, (x,), call.outputs, axis=axis))

    return lower


LOWERINGS: Lowerings = {
    **dict.fromkeys(
        (
            "batch_norm", "native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit_no_training",
            "_native_batch_norm_legit_functional", "_native_batch_norm_legit",
        ),
        batch_normalization,
    ),
    **dict.fromkeys(("layer_norm", "native_layer_norm"), layer_normalization),
    **dict.fromkeys(("rms_norm", "_fused_rms_norm"), root_mean_square_normalization),
    **dict.fromkeys(("group_norm", "native_group_norm"), group_normalization),
    "instance_norm": instance_normalization,
    **dict.fromkeys(("softmax", "_softmax", "_safe_softmax"), softmax("Softmax")),
    **dict.fromkeys(("log_softmax", "_log_softmax"), softmax("LogSoftmax")),
}  # fmt: skip
"""Normalisation by operator."""
