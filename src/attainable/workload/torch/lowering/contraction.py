"""Convolutions, matrix products and attention.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml``; ONNX operator specification, Conv 22, ConvTranspose 22,
Gemm 13, MatMul 13, Einsum 12, Attention 23.
"""

from math import prod

from attainable.workload.graph import AttributeValue, Tensor
from attainable.workload.torch.lowering.call import Call, Lowerings, NotLowered, Step, step


def convolution(call: Call) -> tuple[Step, ...]:
    """Conv or ConvTranspose, of one to three spatial axes."""
    x, weight, bias = call.tensor("input"), call.tensor("weight"), call.optional("bias")
    kernel = weight.dims[2:]
    transposed = call.flag("transposed") or call.target.startswith("conv_transpose")
    attributes: dict[str, AttributeValue] = {
        "kernel_shape": kernel,
        "group": call.integer("groups", 1),
        "strides": _spread(call.integers("stride"), len(kernel), 1),
        "dilations": _spread(call.integers("dilation"), len(kernel), 1),
    }
    padding = call.text("padding")
    if padding == "same":
        attributes["auto_pad"] = "SAME_UPPER"
    else:
        attributes["pads"] = 2 * _spread(() if padding else call.integers("padding"), len(kernel), 0)
    if transposed:
        attributes["output_padding"] = _spread(call.integers("output_padding"), len(kernel), 0)
    return (step("ConvTranspose" if transposed else "Conv", (x, weight, bias), call.outputs[:1], **attributes),)


def _spread(values: tuple[int, ...], axes: int, default: int) -> tuple[int, ...]:
    """One value an axis, where PyTorch allows one for all."""
    return values if len(values) == axes else (values or (default,))[:1] * axes


def linear(call: Call) -> tuple[Step, ...]:
    """Gemm for a matrix; MatMul and Add for a stack of them, as the exporters to ONNX write it."""
    x, weight, bias = call.tensor("input"), call.tensor("weight"), call.optional("bias")
    if x.rank == 2 and weight.rank == 2:
        return (step("Gemm", (x, weight, bias), call.outputs, transB=1),)
    turned = call.between("weight", tuple(reversed(weight.dims)), weight.dtype)
    transposition = step("Transpose", (weight,), (turned,), perm=tuple(reversed(range(weight.rank))))
    if bias is None:
        return (transposition, step("MatMul", (x, turned), call.outputs))
    product = call.between("product", call.output.shape, call.output.dtype)
    return (transposition, step("MatMul", (x, turned), (product,)), step("Add", (product, bias), call.outputs))


def matrix_product(call: Call) -> tuple[Step, ...]:
    """MatMul: mm, bmm, mv, dot and their general form."""
    return (step("MatMul", (call.tensor("self"), call.tensor("other", "mat2", "vec", "vec2", "tensor")), call.outputs),)


def general_matrix_product(call: Call) -> tuple[Step, ...]:
    """Gemm: ``beta * self + alpha * mat1 mat2``."""
    inputs = (call.tensor("mat1"), call.tensor("mat2"), call.tensor("self"))
    alpha, beta = float(call.number("alpha", 1)), float(call.number("beta", 1))
    return (step("Gemm", inputs, call.outputs, alpha=alpha, beta=beta),)


def batched_sum_of_products(call: Call) -> tuple[Step, ...]:
    """MatMul, the two scales where they are not 1, and Add: ``beta * self + alpha * batch1 batch2``."""
    bias, product = call.tensor("self"), call.between("product", call.output.shape, call.output.dtype)
    steps = [step("MatMul", (call.tensor("batch1"), call.tensor("batch2")), (product,))]
    terms: list[Tensor] = []
    for name, term in (("alpha", product), ("beta", bias)):
        scale = call.number(name, 1)
        if scale != 1:
            scaled = call.between(f"{name} term", term.shape, term.dtype)
            steps.append(step("Mul", (term, call.scalar(name, scale, dtype=term.dtype)), (scaled,)))
            term = scaled
        terms.append(term)
    return (*steps, step("Add", tuple(terms), call.outputs))


def sum_of_product(call: Call) -> tuple[Step, ...]:
    """MatMul and Add: ``self + mat vec``. Raises NotLowered where either has a factor."""
    if call.number("alpha", 1) != 1 or call.number("beta", 1) != 1:
        raise NotLowered(call.target)
    product = call.between("product", call.output.shape, call.output.dtype)
    return (
        step("MatMul", (call.tensor("mat"), call.tensor("vec")), (product,)),
        step("Add", (call.tensor("self"), product), call.outputs),
    )


def contracted_axes(call: Call) -> tuple[Step, ...]:
    """Einsum over the axes that are named on both sides."""
    left, right = call.tensor("self"), call.tensor("other")
    on_left, on_right = call.axes("dims_self", left.rank), call.axes("dims_other", right.rank)
    letters = iter("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    first = [next(letters) for _ in range(left.rank)]
    second = [next(letters) for _ in range(right.rank)]
    for mine, other in zip(on_left, on_right, strict=True):
        second[other] = first[mine]
    kept = [letter for letter in (*first, *second) if letter not in {first[axis] for axis in on_left}]
    equation = f"{''.join(first)},{''.join(second)}->{''.join(kept)}"
    return (step("Einsum", (left, right), call.outputs, equation=equation),)


def einsum(call: Call) -> tuple[Step, ...]:
    """Einsum; PyTorch ignores spaces as ONNX does."""
    return (step("Einsum", call.tensors("tensors"), call.outputs, equation=call.text("equation")),)


def attention(call: Call) -> tuple[Step, ...]:
    """Attention; of more or fewer than four axes the leading ones are put together first.

    Raises:
        NotLowered: dropout inside the attention.
    """
    if call.number("dropout_p", 0.0):
        raise NotLowered(call.target)
    query, key, value = call.tensor("query"), call.tensor("key"), call.tensor("value")
    mask = call.optional("attn_mask") or call.optional("attn_bias")
    attributes: dict[str, AttributeValue] = {"is_causal": int(call.flag("is_causal"))}
    if call.given("scale"):
        attributes["scale"] = float(call.number("scale", 1.0))
    if query.rank == 4:
        return (step("Attention", (query, key, value, mask), call.outputs[:1], **attributes),)
    steps: list[Step] = []
    by_heads: list[Tensor | None] = []
    for label, tensor in (("query", query), ("key", key), ("value", value), ("mask", mask)):
        if tensor is not None and (label != "mask" or tensor.rank > 4):
            tensor = _with_four_axes(call, label, tensor, steps)
        by_heads.append(tensor)
    result = call.between("by heads", _four_axes(call.output), call.output.dtype)
    shape = call.integers_constant("shape", call.output.dims)
    steps.append(step("Attention", tuple(by_heads), (result,), **attributes))
    return (*steps, step("Reshape", (result, shape), call.outputs[:1]))


def _four_axes(tensor: Tensor) -> tuple[int, ...]:
    *leading, rows, columns = tensor.dims
    heads = leading[-1] if leading else 1
    return (prod(leading[:-1]), heads, rows, columns)


def _with_four_axes(call: Call, label: str, tensor: Tensor, steps: list[Step]) -> Tensor:
    shape = _four_axes(tensor)
    viewed = call.between(f"{label} by heads", shape, tensor.dtype)
    steps.append(step("Reshape", (tensor, call.integers_constant(f"{label} shape", shape)), (viewed,)))
    return viewed


LOWERINGS: Lowerings = {
    **dict.fromkeys(("convolution", "conv1d", "conv2d", "conv3d"), convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), convolution),
    "linear": linear,
    **dict.fromkeys(("mm", "bmm", "matmul", "mv", "dot"), matrix_product),
    "addmm": general_matrix_product,
    "baddbmm": batched_sum_of_products,
    "addmv": sum_of_product,
    "tensordot": contracted_axes,
    "einsum": einsum,
    **dict.fromkeys(
        (
            "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_attention_math",
        ),
        attention,
    ),
}  # fmt: skip
"""Contractions by operator."""
