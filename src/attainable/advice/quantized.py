"""Quantised convolutions: as a model writes them, and as onnxruntime's integer kernels on x86 take them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from attainable.workload.graph import Op, Tensor, Value, Workload

CONVERSIONS = ("QuantizeLinear", "DequantizeLinear")
_ACTIVATIONS = ("Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish")
_UNSIGNED_MIDDLE = 128
_SCALE = 0.02


@dataclass(frozen=True, slots=True)
class QuantizedConvolution:
    """A convolution between a DequantizeLinear and a QuantizeLinear.

    Attributes:
        before: the DequantizeLinear that gives its input.
        convolution: the convolution.
        weight: the DequantizeLinear of its weights; None where they are stored as real numbers.
        bias: that of its bias.
        activation: the op between the convolution and ``after``; None where there is none.
        after: the QuantizeLinear that takes its result.
    """

    before: Op
    convolution: Op
    weight: Op | None
    bias: Op | None
    activation: Op | None
    after: Op

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its ops that run."""
        ops = (self.before, self.convolution, self.activation, self.after)
        return tuple(op.id for op in ops if op is not None)

    @property
    def form(self) -> str:
        """How it is quantised: ``int8 activations, int8 weights``."""
        scale = self.before.input(1)
        granularity = "" if scale.elements == 1 else " per channel"
        weight = "float" if self.weight is None else self.weight.input(0).dtype
        return f"{self.before.input(0).dtype} activations{granularity}, {weight} weights"

    def as_found(self) -> tuple[Op, ...]:
        """Ops that can be written alone, from real numbers to real numbers."""
        middle = (self.weight, self.bias, self.convolution, self.activation, self.after)
        first = _conversion("QuantizeLinear", self.before, _real(self.before), self.before.input(0))
        last = _conversion("DequantizeLinear", self.after, self.after.output, _real(self.after))
        return (first, self.before, *(op for op in middle if op is not None), last)

    def as_taken(self) -> tuple[Op, ...]:
        """The same, as the integer kernels take it: activations uint8 per tensor, weights int8 per channel."""
        before, after = _unsigned(self.before, keeps_sign=True), _unsigned(self.after, keeps_sign=not self._is_positive)
        weight, bias, convolution = _integer_weights(self.convolution)
        convolution = replace(convolution, inputs=(before.output, *convolution.inputs[1:]))
        first = _conversion("QuantizeLinear", before, _real(before), before.input(0))
        last = _conversion("DequantizeLinear", after, after.output, _real(after))
        middle = (weight, bias, convolution, self.activation, after)
        return (first, before, *(op for op in middle if op is not None), last)

    @property
    def _is_positive(self) -> bool:
        """Whether the result is never below zero, so that zero can be the least code."""
        if self.activation is None:
            return False
        if self.activation.kind == "Clip":
            least = self.activation.optional_input(1)
            return least is not None and least.value is not None and min(least.value) >= 0
        return self.activation.kind in ("Relu", "Sigmoid", "HardSigmoid")


def find_quantized_convolutions(workload: Workload) -> Iterator[QuantizedConvolution]:
    """Find the convolutions whose input was dequantised and whose result is quantised, in the order of the network."""
    maker = {tensor.name: op for op in workload.ops for tensor in op.present_outputs}
    readers: defaultdict[str, list[Op]] = defaultdict(list)
    for op in workload.ops:
        for tensor in op.present_inputs:
            readers[tensor.name].append(op)
    for op in workload.ops:
        if op.type != "Conv" or op.output.shape is None:
            continue
        before = maker.get(op.input(0).name)
        weight, bias = _dequantized(op, 1, maker), _dequantized(op, 2, maker)
        activation, after = _behind(op, readers)
        if before is None or before.type != "DequantizeLinear" or after is None:
            continue
        yield QuantizedConvolution(before, op, weight, bias, activation, after)


def _dequantized(op: Op, index: int, maker: Mapping[str, Op]) -> Op | None:
    tensor = op.optional_input(index)
    made_by = maker.get(tensor.name) if tensor is not None else None
    return made_by if made_by is not None and made_by.type == "DequantizeLinear" else None


def _behind(op: Op, readers: Mapping[str, Sequence[Op]]) -> tuple[Op | None, Op | None]:
    """The activation behind a convolution, if any, and the QuantizeLinear that takes the result."""
    following = readers.get(op.output.name, ())
    activation = None
    if len(following) == 1 and following[0].type in _ACTIVATIONS:
        activation = following[0]
        following = readers.get(activation.output.name, ())
    quantized = following[0] if len(following) == 1 and following[0].type == "QuantizeLinear" else None
    return activation, quantized


def _real(op: Op) -> Tensor:
    """The real numbers at the outer end of a pattern that starts or ends with this conversion."""
    tensor = op.output if op.kind == "DequantizeLinear" else op.input(0)
    return replace(tensor, name=f"{tensor.name} outside")


def _conversion(kind: str, like: Op, source: Tensor, target: Tensor) -> Op:
    """A conversion with the scale and zero point of another one."""
    integers = target if kind == "QuantizeLinear" else source
    zero = like.optional_input(2) or _constant(f"{integers.name} zero", integers.dtype, (), (0,))
    return replace(like, id="", name="", kind=kind, inputs=(source, like.input(1), zero), outputs=(target,))


def _unsigned(op: Op, *, keeps_sign: bool) -> Op:
    """The conversion to or from uint8 with one scale; zero is 128 where numbers may be negative, else 0."""
    zero = _constant(f"{op.id} zero", "uint8", (), (_UNSIGNED_MIDDLE if keeps_sign else 0,))
    scale = op.input(1)
    if scale.elements != 1 or scale.value is None:
        scale = _constant(f"{op.id} scale", "float32", (), (_SCALE,))
    source, target = op.input(0), op.output
    if op.kind == "DequantizeLinear":
        source = replace(source, dtype="uint8")
    else:
        target = replace(target, dtype="uint8")
    attributes = tuple((name, value) for name, value in op.attributes if name == "saturate")
    return replace(op, inputs=(source, scale, zero), outputs=(target,), attributes=attributes)


def _integer_weights(op: Op) -> tuple[Op, Op | None, Op]:
    """Conversions of int8 weights and int32 bias, per output channel, and the convolution that reads them."""
    channels = op.output.dims[1]
    weight = _channelwise(op, 1, "int8", channels)
    bias = _channelwise(op, 2, "int32", channels) if op.optional_input(2) is not None else None
    inputs = (op.input(0), weight.output, *((bias.output,) if bias is not None else ()))
    return weight, bias, replace(op, inputs=inputs)


def _channelwise(op: Op, index: int, dtype: str, channels: int) -> Op:
    real = op.input(index)
    return Op(
        id="", name="", kind="DequantizeLinear", domain="", opset=op.opset,
        inputs=(
            _constant(f"{real.name} codes", dtype, real.dims, None),
            _constant(f"{real.name} scales", "float32", (channels,), None),
            _constant(f"{real.name} zeros", dtype, (channels,), (0,) * channels),
        ),
        outputs=(replace(real, name=f"{real.name} real"),),
        attributes=(("axis", 0),),
    )  # fmt: skip


def _constant(name: str, dtype: str, shape: tuple[int, ...], value: Value | None) -> Tensor:
    return Tensor(name, shape, dtype, is_constant=True, value=value)
