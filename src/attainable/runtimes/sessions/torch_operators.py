"""From operators of ONNX that compute to functions of PyTorch, one row each; loaded in the worker.

``operators`` gives for each operator what makes a function of a node: a function of the node's operands, which are its
inputs without those that the node consumed. Those have to be constants: extents, axes, numbers of pads.

Source: ONNX operators (onnx.ai/onnx/operators), opsets 13 to 26.
"""

import math
import re
from collections.abc import Callable
from typing import Any

Build = Callable[[Any], Callable[..., Any]]
Unary = Callable[[Any], Any]
Binary = Callable[[Any, Any], Any]
Ternary = Callable[[Any, Any, Any], Any]
Quinary = Callable[[Any, Any, Any, Any, Any], Any]

_EQUATION = re.compile(r"[A-Za-z,.\-> ]*")
_FRACTIONAL = ("ReduceMean", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
"""Reductions that PyTorch does to fractions only."""
_SPATIAL = {1: "1d", 2: "2d", 3: "3d"}


def operators(torch: Any) -> dict[str, Build]:
    """The table's rows of operators that compute."""
    return {
        **_element_wise(torch),
        **_activations(torch),
        **_contractions(torch),
        **_normalisations(torch),
        **_pools(torch),
        **_reductions(torch),
    }


def _element_wise(torch: Any) -> dict[str, Build]:
    functions = {
        "Abs": torch.abs, "Acos": torch.acos, "Acosh": torch.acosh, "Asin": torch.asin, "Asinh": torch.asinh,
        "Atan": torch.atan, "Atanh": torch.atanh, "Ceil": torch.ceil, "Cos": torch.cos, "Cosh": torch.cosh,
        "Erf": torch.erf, "Exp": torch.exp, "Floor": torch.floor, "IsNaN": torch.isnan, "Log": torch.log,
        "Neg": torch.neg, "Not": torch.logical_not, "Reciprocal": torch.reciprocal, "Round": torch.round,
        "Sign": torch.sign, "Sin": torch.sin, "Sinh": torch.sinh, "Sqrt": torch.sqrt, "Tan": torch.tan,
        "Tanh": torch.tanh, "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Equal": torch.eq,
        "Greater": torch.gt, "GreaterOrEqual": torch.ge, "Less": torch.lt, "LessOrEqual": torch.le,
        "And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor,
        "BitwiseAnd": torch.bitwise_and, "BitwiseOr": torch.bitwise_or, "BitwiseXor": torch.bitwise_xor,
        "BitwiseNot": torch.bitwise_not, "Where": torch.where,
    }  # fmt: skip

    def divide(x: Any, y: Any) -> Any:
        return torch.div(x, y) if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")

    def power(x: Any, y: Any) -> Any:
        return torch.pow(x, y).to(x.dtype)

    def same(x: Any, *_: Any) -> Any:
        return x

    def dropout(node: Any) -> Callable[..., Any]:
        node.require(node.kept == [0], "Dropout with a mask")
        node.require(not node.has(2) or node.is_constant(2), "Dropout with a training_mode that is not constant")
        node.require(not node.has(2) or not node.numbers(2), "Dropout while training")
        return same

    def modulo(node: Any) -> Callable[..., Any]:
        return torch.fmod if node.attribute("fmod", 0) else torch.remainder

    def folded(function: Callable[..., Any]) -> Build:
        def build(node: Any) -> Callable[..., Any]:
            del node

            def fold(first: Any, *others: Any) -> Any:
                for other in others:
                    first = function(first, other)
                return first

            return fold

        return build

    def mean(node: Any) -> Callable[..., Any]:
        del node

        def of(*operands: Any) -> Any:
            total = operands[0]
            for operand in operands[1:]:
                total = total + operand
            return total / len(operands)

        return of

    return {
        **{kind: _always(function) for kind, function in functions.items()},
        "Div": _always(divide), "Pow": _always(power), "Identity": _always(same), "Dropout": dropout, "Mod": modulo,
        "Min": folded(torch.minimum), "Max": folded(torch.maximum), "Sum": folded(torch.add), "Mean": mean,
    }  # fmt: skip


def _activations(torch: Any) -> dict[str, Build]:
    functional = torch.nn.functional

    def hard_sigmoid(node: Any) -> Unary:
        alpha, beta = node.attribute("alpha", 0.2), node.attribute("beta", 0.5)
        if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
            return functional.hardsigmoid
        return lambda x: (alpha * x + beta).clamp(0.0, 1.0)

    def selu(node: Any) -> Unary:
        alpha, gamma = node.attribute("alpha", 1.6732632423543772), node.attribute("gamma", 1.0507009873554805)
        return lambda x: gamma * torch.where(x > 0, x, alpha * torch.expm1(x))

    def clip(node: Any) -> Unary:
        if any(node.has(at) and not node.is_constant(at) for at in (1, 2)):
            return torch.clamp
        least, most = node.numbers(1), node.numbers(2)
        return lambda x: x if least is most is None else torch.clamp(x, least, most)

    def swish(node: Any) -> Unary:
        alpha = node.attribute("alpha", 1.0)
        return functional.silu if alpha == 1 else lambda x: x * torch.sigmoid(alpha * x)

    def gelu(node: Any) -> Unary:
        approximate = node.attribute("approximate", "none")
        return lambda x: functional.gelu(x, approximate=approximate)

    def softmax(function: Callable[..., Any]) -> Build:
        def build(node: Any) -> Unary:
            axis = node.attribute("axis", -1)
            return lambda x: function(x, dim=axis)

        return build

    def sloped(x: Any, slope: Any) -> Any:
        return torch.where(x > 0, x, x * slope)

    def with_alpha(function: Callable[..., Any], default: float) -> Build:
        def build(node: Any) -> Unary:
            alpha = node.attribute("alpha", default)
            return lambda x: function(x, alpha)

        return build

    functions = {
        "Relu": torch.relu, "Sigmoid": torch.sigmoid, "HardSwish": functional.hardswish, "Mish": functional.mish,
        "Softplus": functional.softplus, "Softsign": functional.softsign,
        "PRelu": sloped,
    }  # fmt: skip
    return {
        **{kind: _always(function) for kind, function in functions.items()},
        "LeakyRelu": with_alpha(functional.leaky_relu, 0.01),
        "Elu": with_alpha(functional.elu, 1.0),
        "Celu": with_alpha(functional.celu, 1.0),
        "HardSigmoid": hard_sigmoid, "Selu": selu, "Clip": clip, "Swish": swish, "Gelu": gelu,
        "Softmax": softmax(functional.softmax), "LogSoftmax": softmax(functional.log_softmax),
    }  # fmt: skip


def _contractions(torch: Any) -> dict[str, Build]:
    functional = torch.nn.functional

    def convolution(node: Any) -> Ternary:
        rank = len(node.shape(0)) - 2
        convolve = getattr(functional, f"conv{_spatial(node, rank)}")
        stride, dilation, kernel = _window(node, rank, node.shape(1)[2:])
        before, after = _pads(node, rank, stride, dilation, kernel)
        group = node.attribute("group", 1)
        if before == after:
            return lambda x, weight, bias=None: convolve(x, weight, bias, stride, before, dilation, group)
        padding = _reversed(before, after)
        return lambda x, weight, bias=None: convolve(
            functional.pad(x, padding), weight, bias, stride, 0, dilation, group
        )  # fmt: skip

    def transposed(node: Any) -> Ternary:
        rank = len(node.shape(0)) - 2
        convolve = getattr(functional, f"conv_transpose{_spatial(node, rank)}")
        stride, dilation, kernel = _window(node, rank, node.shape(1)[2:])
        node.require(node.attribute("output_shape") is None, "ConvTranspose with output_shape")
        node.require(node.attribute("auto_pad", "NOTSET") in ("NOTSET", "VALID"), "ConvTranspose with auto_pad")
        before, after = _pads(node, rank, stride, dilation, kernel)
        node.require(before == after, "ConvTranspose with different pads at the two ends")
        more, group = node.attribute("output_padding", [0] * rank), node.attribute("group", 1)
        return lambda x, weight, bias=None: convolve(x, weight, bias, stride, before, more, group, dilation)

    def gemm(node: Any) -> Callable[..., Any]:
        alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
        turned = [bool(node.attribute(name, 0)) for name in ("transA", "transB")]
        bias_of_columns = node.has(2) and len(node.shape(2)) == 1
        if not node.dtype(0).is_floating_point:
            node.require(alpha == int(alpha) and beta == int(beta), "Gemm of integers by a fraction")
            alpha, beta = int(alpha), int(beta)
        if turned == [False, True] and alpha == beta == 1 and (bias_of_columns or not node.has(2)):
            return functional.linear

        def product(a: Any, b: Any, c: Any = None) -> Any:
            a, b = (each.t() if turn else each for each, turn in zip((a, b), turned, strict=True))
            if c is None:
                return torch.mm(a, b) if alpha == 1 else alpha * torch.mm(a, b)
            return torch.addmm(c, a, b, beta=beta, alpha=alpha)

        return product

    def einsum(node: Any) -> Callable[..., Any]:
        equation = node.attribute("equation", "")
        node.require(_EQUATION.fullmatch(equation) is not None, "Einsum with this equation")

        def summed(*operands: Any) -> Any:
            return torch.einsum(equation, *operands)

        return summed

    return {"Conv": convolution, "ConvTranspose": transposed, "Gemm": gemm, "MatMul": _always(torch.matmul),
            "Einsum": einsum}  # fmt: skip


def _normalisations(torch: Any) -> dict[str, Build]:
    functional = torch.nn.functional

    def batch(node: Any) -> Quinary:
        node.require(not node.attribute("training_mode", 0), "BatchNormalization while training")
        epsilon = node.attribute("epsilon", 1e-5)
        return lambda x, scale, bias, mean, variance: functional.batch_norm(
            x, mean, variance, scale, bias, False, 0.0, epsilon
        )  # fmt: skip

    def layer(node: Any) -> Callable[..., Any]:
        node.require(node.kept == [0], "LayerNormalization that gives mean and deviation")
        epsilon, shape = node.attribute("epsilon", 1e-5), node.shape(0)
        extents = shape[node.attribute("axis", -1) % len(shape) :]

        def normalise(x: Any, scale: Any, bias: Any = None) -> Any:
            # Scale and bias may leave out leading axes.
            bias = None if bias is None else bias.expand(extents)
            return functional.layer_norm(x, extents, scale.expand(extents), bias, epsilon)

        return normalise

    def root_mean_square(node: Any) -> Binary:
        epsilon, shape = node.attribute("epsilon", 1e-5), node.shape(0)
        extents = shape[node.attribute("axis", -1) % len(shape) :]
        return lambda x, scale: functional.rms_norm(x, extents, scale.expand(extents), epsilon)

    def instance(node: Any) -> Ternary:
        epsilon = node.attribute("epsilon", 1e-5)
        return lambda x, scale, bias: functional.instance_norm(x, weight=scale, bias=bias, eps=epsilon)

    def group(node: Any) -> Ternary:
        epsilon, groups = node.attribute("epsilon", 1e-5), node.attribute("num_groups")
        # Before opset 21 there was one of them for each group.
        node.require(node.shape(1)[0] == node.shape(0)[1], "GroupNormalization with a scale for each group")
        return lambda x, scale, bias: functional.group_norm(x, groups, scale, bias, epsilon)

    def local_response(node: Any) -> Unary:
        size, alpha = node.attribute("size"), node.attribute("alpha", 1e-4)
        beta, bias = node.attribute("beta", 0.75), node.attribute("bias", 1.0)
        node.require(size % 2 == 1, "LRN over an even number of channels")
        return lambda x: functional.local_response_norm(x, size, alpha, beta, bias)

    def power_mean(node: Any) -> Unary:
        axis, order = node.attribute("axis", -1), node.attribute("p", 2)

        def normalise(x: Any) -> Any:
            norm = torch.linalg.vector_norm(x, ord=order, dim=axis, keepdim=True)
            # What is zero all over stays so.
            return x / norm.masked_fill(norm == 0, 1)

        return normalise

    return {
        "BatchNormalization": batch, "LayerNormalization": layer, "RMSNormalization": root_mean_square,
        "InstanceNormalization": instance, "GroupNormalization": group, "LRN": local_response,
        "LpNormalization": power_mean,
    }  # fmt: skip


def _pools(torch: Any) -> dict[str, Build]:
    functional = torch.nn.functional

    def largest(node: Any) -> Unary:
        node.require(node.kept == [0], "MaxPool that gives places")
        node.ignore("storage_order")
        rank = len(node.shape(0)) - 2
        pool = getattr(functional, f"max_pool{_spatial(node, rank)}")
        stride, dilation, kernel = _window(node, rank, node.attribute("kernel_shape"))
        before, after = _pads(node, rank, stride, dilation, kernel)
        ceil = bool(node.attribute("ceil_mode", 0))
        if before == after and all(2 * pad <= extent for pad, extent in zip(before, kernel, strict=True)):
            return lambda x: pool(x, kernel, stride, before, dilation, ceil)
        node.require(not ceil, "MaxPool with ceil_mode and uneven pads")
        padding = _reversed(before, after)
        return lambda x: pool(functional.pad(x, padding, value=-math.inf), kernel, stride, 0, dilation)

    def average(node: Any) -> Unary:
        rank = len(node.shape(0)) - 2
        pool = getattr(functional, f"avg_pool{_spatial(node, rank)}")
        stride, dilation, kernel = _window(node, rank, node.attribute("kernel_shape"))
        node.require(set(dilation) == {1}, "AveragePool with dilations")
        before, after = _pads(node, rank, stride, dilation, kernel)
        ceil, with_pads = bool(node.attribute("ceil_mode", 0)), bool(node.attribute("count_include_pad", 0))
        if before == after and all(2 * pad <= extent for pad, extent in zip(before, kernel, strict=True)):
            return lambda x: pool(x, kernel, stride, before, ceil, with_pads)
        node.require(not ceil and with_pads, "AveragePool with uneven pads that do not count")
        padding = _reversed(before, after)
        return lambda x: pool(functional.pad(x, padding), kernel, stride, 0)

    def over_all(function: Callable[..., Any]) -> Build:
        def build(node: Any) -> Unary:
            axes = list(range(2, len(node.shape(0))))
            node.require(bool(axes), f"{node.kind} over no axes")
            return lambda x: function(x, axes, True)

        return build

    return {
        "MaxPool": largest, "AveragePool": average,
        "GlobalAveragePool": over_all(torch.mean), "GlobalMaxPool": over_all(torch.amax),
    }  # fmt: skip


def _reductions(torch: Any) -> dict[str, Build]:
    def product(x: Any, axes: list[int], keep: bool) -> Any:
        for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
            x = x.prod(axis, keepdim=keep, dtype=x.dtype)
        return x

    functions: dict[str, Ternary] = {
        "ReduceMean": torch.mean,
        "ReduceSum": lambda x, axes, keep: torch.sum(x, axes, keep, dtype=x.dtype),
        "ReduceMax": torch.amax,
        "ReduceMin": torch.amin,
        "ReduceProd": product,
        "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keep, dtype=x.dtype),
        "ReduceL2": lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep),
        "ReduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keep, dtype=x.dtype),
        "ReduceLogSum": lambda x, axes, keep: x.sum(axes, keep).log(),
        "ReduceLogSumExp": torch.logsumexp,
    }

    def over(function: Callable[..., Any]) -> Build:
        def build(node: Any) -> Unary:
            node.require(
                node.kind not in _FRACTIONAL or node.dtype(0).is_floating_point, f"{node.kind} of integers"
            )  # fmt: skip
            axes, keep = node.numbers(1, "axes"), bool(node.attribute("keepdims", 1))
            keeps_all = node.attribute("noop_with_empty_axes", 0)
            if not axes and keeps_all:
                return lambda x: x
            axes = axes or list(range(len(node.shape(0))))
            return lambda x: function(x, axes, keep)

        return build

    def extreme(function: Callable[..., Any]) -> Build:
        def build(node: Any) -> Unary:
            node.require(not node.attribute("select_last_index", 0), "ArgMax of the last among equals")
            axis, keep = node.attribute("axis", 0), bool(node.attribute("keepdims", 1))
            return lambda x: function(x, axis, keep)

        return build

    def cumulated(node: Any) -> Unary:
        (axis,) = node.flat(1)
        node.require(not node.attribute("exclusive", 0) and not node.attribute("reverse", 0), "CumSum in this order")
        return lambda x: torch.cumsum(x, axis, dtype=x.dtype)

    def top(node: Any) -> Unary:
        (count,) = node.numbers(1)
        axis, largest = node.attribute("axis", -1), bool(node.attribute("largest", 1))
        return lambda x: tuple(torch.topk(x, count, axis, largest, True))

    return {
        **{kind: over(function) for kind, function in functions.items()},
        "ArgMax": extreme(torch.argmax), "ArgMin": extreme(torch.argmin), "CumSum": cumulated, "TopK": top,
    }  # fmt: skip


def _always(function: Callable[..., Any]) -> Build:
    def build(node: Any) -> Callable[..., Any]:
        del node
        return function

    return build


def _spatial(node: Any, rank: int) -> str:
    node.require(rank in _SPATIAL, f"{node.kind} over {rank} axes")
    return _SPATIAL[rank]


def _window(node: Any, rank: int, kernel: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Stride, dilation and extents."""
    ones = [1] * rank
    return node.attribute("strides", ones), node.attribute("dilations", ones), list(kernel)


def _pads(
    node: Any, rank: int, stride: list[int], dilation: list[int], kernel: list[int]
) -> tuple[list[int], list[int]]:
    """Pads before and after each spatial axis."""
    mode, pads = node.attribute("auto_pad", "NOTSET"), node.attribute("pads", [0] * (2 * rank))
    if mode == "NOTSET":
        return pads[:rank], pads[rank:]
    if mode == "VALID":
        return [0] * rank, [0] * rank
    node.require(mode in ("SAME_UPPER", "SAME_LOWER"), f"{node.kind} with this auto_pad")
    before: list[int] = []
    after: list[int] = []
    for extent, step, spread, size in zip(node.shape(0)[2:], stride, dilation, kernel, strict=True):
        total = max(0, (-(-extent // step) - 1) * step + spread * (size - 1) + 1 - extent)
        less, more = total // 2, total - total // 2
        before.append(less if mode == "SAME_UPPER" else more)
        after.append(more if mode == "SAME_UPPER" else less)
    return before, after


def _reversed(before: list[int], after: list[int]) -> list[int]:
    """Pads as ``torch.nn.functional.pad`` takes them: the last axis first."""
    return [pad for both in zip(reversed(before), reversed(after), strict=True) for pad in both]
