"""Arithmetic, comparison, logic and activation functions, element by element.

Source: PyTorch, ``aten/src/ATen/native/native_functions.yaml`` and the formulas of ``torch.nn.functional``; ONNX
operator specification, the operators by name.
"""

from collections.abc import Callable
from math import log

from attainable.workload.graph import AttributeValue, Tensor
from attainable.workload.torch.lowering.call import Call, Lowering, Lowerings, Step, step


def one(kind: str, *names: str, **attributes: AttributeValue) -> Lowering:
    """One operator of these arguments, a number among them becoming a constant; the keywords are its attributes."""

    def lower(call: Call) -> tuple[Step, ...]:
        return (step(kind, tuple(call.operand(name) for name in names), call.outputs[:1], **attributes),)

    return lower


def chain(first: Lowering | str, *others: str) -> Lowering:
    """Operators of one argument in turn, after a first one that may have more."""

    def lower(call: Call) -> tuple[Step, ...]:
        result, outputs = call.output, call.outputs
        middles = [call.between(f"before {kind}", result.shape, result.dtype) for kind in others]
        begin = one(first, "self") if isinstance(first, str) else first
        steps = list(begin(Call(call.name, call.target, call.arguments, (middles[0],))))
        for kind, given, made in zip(others, middles, [*middles[1:], outputs[0]], strict=True):
            steps.append(step(kind, (given,), (made,)))
        return tuple(steps)

    return lower


def parametrised(kind: str, **defaults: float) -> Lowering:
    """One operator whose numbers are attributes: the keywords are ``name=default`` in PyTorch and ONNX alike."""

    def lower(call: Call) -> tuple[Step, ...]:
        attributes = {name: float(call.number(name, default)) for name, default in defaults.items()}
        return (step(kind, (call.tensor("self", "input"),), call.outputs, **attributes),)

    return lower


def scaled(kind: str, *, first: str = "self", second: str = "other") -> Lowering:
    """``first + alpha * second``, or the difference; the product costs nothing where alpha is 1."""

    def lower(call: Call) -> tuple[Step, ...]:
        left, right, scale = call.operand(first), call.operand(second), call.number("alpha", 1)
        if scale == 1:
            return (step(kind, (left, right), call.outputs),)
        term = call.between("scaled", right.shape, right.dtype)
        product = step("Mul", (right, call.scalar("alpha", scale, dtype=right.dtype)), (term,))
        return (product, step(kind, (left, term), call.outputs))

    return lower


def division(call: Call) -> tuple[Step, ...]:
    """Div, rounded where it is asked for; truncation towards zero takes the integer part of the magnitude."""
    mode = "floor" if call.target == "floor_divide" else call.text("rounding_mode")
    operands = (call.operand("self"), call.operand("other"))
    if not mode or operands[0].dtype.startswith(("int", "uint")):
        return (step("Div", operands, call.outputs),)
    quotient = call.between("quotient", call.output.shape, call.output.dtype)
    return (step("Div", operands, (quotient,)), step("Floor", (quotient,), call.outputs))


def clip(call: Call) -> tuple[Step, ...]:
    """Clip with the bounds that are given."""
    low, high = _BOUNDS.get(call.target, ("min", "max"))
    x = call.tensor("self")
    defaults = {"hardtanh": (-1.0, 1.0), "relu6": (0.0, 6.0)}.get(call.target, (None, None))
    bounds: list[Tensor | None] = []
    for name, default in ((low, defaults[0]), (high, defaults[1])):
        if call.given(name):
            bounds.append(call.operand(name))
        else:
            bounds.append(None if default is None else call.scalar(name, default, dtype=x.dtype))
    return (step("Clip", (x, *bounds), call.outputs),)


_BOUNDS = {"hardtanh": ("min_val", "max_val")}
"""Names of the bounds where they are not ``min`` and ``max``."""


def leaky_relu(call: Call) -> tuple[Step, ...]:
    """LeakyRelu with its slope."""
    return (step("LeakyRelu", (call.tensor("self"),), call.outputs, alpha=float(call.number("negative_slope", 0.01))),)


def gelu(call: Call) -> tuple[Step, ...]:
    """Gelu, with erf or approximated with tanh."""
    return (step("Gelu", (call.tensor("self"),), call.outputs, approximate=call.text("approximate", "none")),)


def sigmoid_product(call: Call) -> tuple[Step, ...]:
    """``x * sigmoid(x)``."""
    x = call.tensor("self")
    gate = call.between("gate", x.shape, x.dtype)
    return (step("Sigmoid", (x,), (gate,)), step("Mul", (x, gate), call.outputs))


def gated_linear_unit(call: Call) -> tuple[Step, ...]:
    """Split in two, the sigmoid of the second half, and the product."""
    x, half = call.tensor("self"), call.output.shape
    kept, gated, gate = (call.between(label, half, x.dtype) for label in ("kept", "gated", "gate"))
    axis = call.axis("dim", x.rank, -1)
    return (
        step("Split", (x,), (kept, gated), axis=axis, num_outputs=2),
        step("Sigmoid", (gated,), (gate,)),
        step("Mul", (kept, gate), call.outputs),
    )


def softplus(call: Call) -> tuple[Step, ...]:
    """Softplus of ``beta * x``, over beta; the product and the quotient cost nothing where beta is 1."""
    x, beta = call.tensor("self"), call.number("beta", 1)
    if beta == 1:
        return (step("Softplus", (x,), call.outputs),)
    factor = call.scalar("beta", beta, dtype=x.dtype)
    given, made = call.between("scaled", x.shape, x.dtype), call.between("softplus", x.shape, x.dtype)
    return (
        step("Mul", (x, factor), (given,)),
        step("Softplus", (given,), (made,)),
        step("Div", (made, factor), call.outputs),
    )


def with_constant(kind: str, number: float, *before: str) -> Lowering:
    """An operator of the argument, after others, and of a constant number: ``log(x) / log 2``."""

    def lower(call: Call) -> tuple[Step, ...]:
        x = call.tensor("self")
        steps: list[Step] = []
        for name in before:
            made = call.between(name, x.shape, x.dtype)
            steps.append(step(name, (x,), (made,)))
            x = made
        return (*steps, step(kind, (x, call.scalar("constant", number, dtype=x.dtype)), call.outputs))

    return lower


def power_of_two(call: Call) -> tuple[Step, ...]:
    """Pow of a constant base."""
    x = call.tensor("self")
    return (step("Pow", (call.scalar("base", 2, dtype=x.dtype), x), call.outputs),)


def outer_product(call: Call) -> tuple[Step, ...]:
    """Mul of a column and a row."""
    x, row = call.tensor("self"), call.tensor("vec2")
    column = call.between("column", (*x.dims, 1), x.dtype)
    where = call.integers_constant("axes", (1,))
    return (step("Unsqueeze", (x, where), (column,)), step("Mul", (column, row), call.outputs))


def shifted_logarithm(call: Call) -> tuple[Step, ...]:
    """``log(x + 1)``."""
    x = call.tensor("self")
    shifted = call.between("shifted", x.shape, x.dtype)
    addition = step("Add", (x, call.scalar("one", 1, dtype=x.dtype)), (shifted,))
    return (addition, step("Log", (shifted,), call.outputs))


def square(call: Call) -> tuple[Step, ...]:
    """``x * x``."""
    return (step("Mul", (call.tensor("self"), call.tensor("self")), call.outputs),)


def tanh_shrink(call: Call) -> tuple[Step, ...]:
    """``x - tanh(x)``."""
    x = call.tensor("self")
    made = call.between("tanh", x.shape, x.dtype)
    return (step("Tanh", (x,), (made,)), step("Sub", (x, made), call.outputs))


def shrink(call: Call) -> tuple[Step, ...]:
    """Shrink: towards zero by lambda, or cut at lambda."""
    threshold = float(call.number("lambd", 0.5))
    bias = threshold if call.target == "softshrink" else 0.0
    return (step("Shrink", (call.tensor("self"),), call.outputs, lambd=threshold, bias=bias),)


def threshold(call: Call) -> tuple[Step, ...]:
    """Greater, then a selection."""
    x = call.tensor("self")
    above = call.between("above", x.shape, "bool")
    return (
        step("Greater", (x, call.operand("threshold")), (above,)),
        step("Where", (above, x, call.operand("value")), call.outputs),
    )


def masked_fill(call: Call) -> tuple[Step, ...]:
    """A selection between the value and what was there."""
    return (step("Where", (call.tensor("mask"), call.operand("value"), call.tensor("self")), call.outputs),)


def combined(inner: str) -> Lowering:
    """``self + value * (tensor1 op tensor2)``."""

    def lower(call: Call) -> tuple[Step, ...]:
        base, scale = call.tensor("self"), call.number("value", 1)
        term = call.between("term", call.output.shape, base.dtype)
        steps = [step(inner, (call.tensor("tensor1"), call.tensor("tensor2")), (term,))]
        if scale != 1:
            product = call.between("scaled", term.shape, base.dtype)
            steps.append(step("Mul", (term, call.scalar("value", scale, dtype=base.dtype)), (product,)))
            term = product
        return (*steps, step("Add", (base, term), call.outputs))

    return lower


def interpolation(call: Call) -> tuple[Step, ...]:
    """``self + weight * (end - self)``."""
    start, end, shape = call.tensor("self"), call.tensor("end"), call.output.shape
    difference, term = (call.between(label, shape, start.dtype) for label in ("difference", "term"))
    return (
        step("Sub", (end, start), (difference,)),
        step("Mul", (difference, call.operand("weight")), (term,)),
        step("Add", (start, term), call.outputs),
    )


def cast(call: Call) -> tuple[Step, ...]:
    """Cast where the element type changes, else a name."""
    x = call.tensor("self", "a")
    return (step("Identity" if x.dtype == call.output.dtype else "Cast", (x,), call.outputs),)


def quantize(call: Call) -> tuple[Step, ...]:
    """QuantizeLinear or DequantizeLinear, per tensor or per channel."""
    kind = "DequantizeLinear" if call.target.startswith("dequantize") else "QuantizeLinear"
    x, parts = call.tensor("input"), list[Tensor]()
    dtype = call.output.dtype if kind == "QuantizeLinear" else x.dtype
    for names, element in ((("scale", "scales"), "float32"), (("zero_point", "zero_points"), dtype)):
        name = next((name for name in names if call.given(name)), names[0])
        value = call.arguments.get(name)
        if isinstance(value, int | float):
            parts.append(call.scalar(name, value, dtype=element))
        else:
            parts.append(call.tensor(name))
    attributes: dict[str, AttributeValue] = {"axis": call.integer("axis", 1)} if call.given("axis") else {}
    return (step(kind, (x, *parts), call.outputs, **attributes),)


def logical(kind: str, on_integers: str) -> Lowering:
    """An operator of truth values, or of bits where the elements are integers."""

    def lower(call: Call) -> tuple[Step, ...]:
        names = ("self", "other") if "other" in call.arguments else ("self",)
        operands = tuple(call.operand(name) for name in names)
        bits = call.target.startswith("bitwise") and operands[0].dtype != "bool"
        return (step(on_integers if bits else kind, operands, call.outputs),)

    return lower


def _rows(make: Callable[[str], Lowering], **kinds: str) -> Lowerings:
    return {name: make(kind) for name, kind in kinds.items()}


LOWERINGS: Lowerings = {
    **_rows(
        lambda kind: one(kind, "self"),
        abs="Abs", ceil="Ceil", floor="Floor", neg="Neg", reciprocal="Reciprocal", round="Round", sign="Sign",
        sqrt="Sqrt", erf="Erf", exp="Exp", log="Log", sigmoid="Sigmoid", tanh="Tanh", acos="Acos", acosh="Acosh",
        asin="Asin", asinh="Asinh", atan="Atan", atanh="Atanh", cos="Cos", cosh="Cosh", sin="Sin", sinh="Sinh",
        tan="Tan", isinf="IsInf", isnan="IsNaN", relu="Relu", hardswish="HardSwish", hardsigmoid="HardSigmoid",
        mish="Mish", selu="Selu",
    ),
    **_rows(
        lambda kind: one(kind, "self", "other"),
        mul="Mul", multiply="Mul", remainder="Mod", fmod="Mod", eq="Equal", lt="Less", le="LessOrEqual", gt="Greater",
        ge="GreaterOrEqual", maximum="Max", minimum="Min",
    ),
    **_rows(lambda kind: scaled(kind), add="Add", sub="Sub", subtract="Sub"),
    **dict.fromkeys(("div", "divide", "true_divide", "floor_divide"), division),
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max", "clip", "hardtanh", "relu6"), clip),
    **dict.fromkeys(("log_sigmoid", "logsigmoid"), chain("Sigmoid", "Log")),
    **dict.fromkeys(("hardshrink", "softshrink"), shrink),
    **dict.fromkeys(
        ("to", "_to_copy", "type_as", "float", "half", "double", "bool", "convert_element_type"), cast
    ),
    **dict.fromkeys(("prelu", "_prelu_kernel"), one("PRelu", "self", "weight")),
    **dict.fromkeys(("logical_not", "bitwise_not"), logical("Not", "BitwiseNot")),
    **dict.fromkeys(("logical_and", "bitwise_and", "__and__"), logical("And", "BitwiseAnd")),
    **dict.fromkeys(("logical_or", "bitwise_or", "__or__"), logical("Or", "BitwiseOr")),
    **dict.fromkeys(("logical_xor", "bitwise_xor", "__xor__"), logical("Xor", "BitwiseXor")),
    **dict.fromkeys(
        (
            "quantize_per_tensor", "quantize_per_channel", "dequantize_per_tensor", "dequantize_per_channel",
        ),
        quantize,
    ),
    "rsub": scaled("Sub", first="other", second="self"),
    "pow": one("Pow", "self", "exponent"),
    "ne": chain(one("Equal", "self", "other"), "Not"),
    "rsqrt": chain("Sqrt", "Reciprocal"),
    "log2": with_constant("Div", log(2), "Log"),
    "log10": with_constant("Div", log(10), "Log"),
    "log1p": shifted_logarithm,
    "expm1": with_constant("Sub", 1, "Exp"),
    "square": square,
    "exp2": power_of_two,
    "special_exp2": power_of_two,
    **dict.fromkeys(("outer", "ger"), outer_product),
    "elu": parametrised("Elu", alpha=1.0),
    "celu": parametrised("Celu", alpha=1.0),
    "leaky_relu": leaky_relu,
    "gelu": gelu,
    "silu": sigmoid_product,
    "glu": gated_linear_unit,
    "softplus": softplus,
    "tanhshrink": tanh_shrink,
    "threshold": threshold,
    "where": one("Where", "condition", "self", "other"),
    "masked_fill": masked_fill,
    "addcmul": combined("Mul"),
    "addcdiv": combined("Div"),
    "lerp": interpolation,
}  # fmt: skip
"""Elementwise operators by name."""
