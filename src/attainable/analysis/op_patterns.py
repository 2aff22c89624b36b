"""Several ops that do one thing together, which a toolchain may take or refuse as a whole.

* ``channel_shuffle``: Reshape splits the channels C into g x C/g, Transpose swaps the two, Reshape joins them again.
  Source: Zhang et al., ShuffleNet, arXiv:1707.01083, section 3.1.
* ``hard_swish``: x times Clip(x + 3, 0, 6), divided by 6, in any order, or x times HardSigmoid(x).
  Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244, section 5.2.
* ``folded_batch_normalization``: a BatchNormalization of constants that alone reads a convolution of constant weights,
  which a toolchain folds into it. The convolution is no part of the pattern. Source: Jacob et al., arXiv:1712.05877,
  section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isfinite

from attainable.devices.targets.target import PatternName
from attainable.workload.graph import Op, Shape

_RESHAPES = ("Reshape", "tflite:RESHAPE")
_TRANSPOSES = ("Transpose", "tflite:TRANSPOSE")
_CONVOLUTIONS = ("Conv", "ConvTranspose", "Gemm")
_SCALINGS = ("Mul", "Div", "tflite:MUL", "tflite:DIV")


@dataclass(frozen=True, slots=True)
class OpPattern:
    """Ops that do one thing together: its name, and their positions in the order of the file."""

    name: PatternName
    positions: tuple[int, ...]


def op_patterns(ops: Sequence[Op]) -> tuple[OpPattern, ...]:
    """The patterns among the ops of a graph, none of them overlapping, in the order of their first op."""
    graph = _Graph(ops)
    taken: set[int] = set()
    found: list[OpPattern] = []
    for position in range(len(ops)):
        matches: tuple[tuple[PatternName, tuple[int, ...]], ...] = (
            ("channel_shuffle", graph.shuffle(position)), ("hard_swish", graph.hard_swish(position)),
            ("folded_batch_normalization", graph.folded_batch_normalization(position)),
        )  # fmt: skip
        for name, match in matches:
            if match and taken.isdisjoint(match):
                taken.update(match)
                found.append(OpPattern(name, tuple(sorted(match))))
    return tuple(sorted(found, key=lambda pattern: pattern.positions))


class _Graph:
    """Who reads what, by position."""

    def __init__(self, ops: Sequence[Op]) -> None:
        self._ops = ops
        self._readers: dict[str, list[int]] = {}
        for position, op in enumerate(ops):
            for name in dict.fromkeys(tensor.name for tensor in op.present_inputs):
                self._readers.setdefault(name, []).append(position)

    def shuffle(self, first: int) -> tuple[int, ...]:
        """The positions of a channel shuffle that begins at ``first``; none where none does."""
        split = self._ops[first]
        swap = self._only_reader(first, _TRANSPOSES) if split.type in _RESHAPES else None
        join = self._only_reader(swap, _RESHAPES) if swap is not None else None
        if swap is None or join is None:
            return ()
        shapes = [_input_shape(split), _output_shape(split), _output_shape(self._ops[join])]
        before, middle, after = shapes
        if before is None or middle is None or before != after:
            return ()
        order = _order(self._ops[swap], len(middle))
        return (first, swap, join) if order is not None and _swaps_channels(before, middle, order) else ()

    def hard_swish(self, first: int) -> tuple[int, ...]:
        """The positions of a hard swish that begins at ``first``; none where none does."""
        op = self._ops[first]
        if op.type == "HardSigmoid":
            slope = op.attribute("alpha")
            sixth = isinstance(slope, float) and isclose(slope, 1 / 6, rel_tol=_CLOSE)
            product = self._only_reader(first, ("Mul",)) if sixth else None
            return (first, product) if product is not None and self._reads(product, op.input(0).name) else ()
        clip = self._only_reader(first, ("Clip", "tflite:RELU6")) if op.type in ("Add", "tflite:ADD") else None
        if clip is None or _constant(op) != _OFFSET:
            return ()
        chain = [first, clip]
        while len(chain) < _LONGEST_HARD_SWISH and (following := self._only_reader(chain[-1], _SCALINGS)) is not None:
            chain.append(following)
        flowing = {tensor.name for tensor in op.present_inputs if not tensor.is_constant}
        products = [position for position in chain[2:] if any(self._reads(position, name) for name in flowing)]
        return tuple(chain) if len(chain) == _LONGEST_HARD_SWISH and len(products) == 1 else ()

    def folded_batch_normalization(self, convolution: int) -> tuple[int, ...]:
        """The position of a BatchNormalization that is folded into the convolution; none where none is."""
        op = self._ops[convolution]
        weight = op.optional_input(1)
        if op.type not in _CONVOLUTIONS or weight is None or not weight.is_constant:
            return ()
        following = self._only_reader(convolution, ("BatchNormalization",))
        if following is None:
            return ()
        statistics = self._ops[following].inputs[1:]
        return (following,) if all(tensor is not None and tensor.is_constant for tensor in statistics) else ()

    def _only_reader(self, position: int, types: tuple[str, ...]) -> int | None:
        outputs = self._ops[position].present_outputs
        readers = self._readers.get(outputs[0].name, []) if len(outputs) == 1 else []
        return readers[0] if len(readers) == 1 and self._ops[readers[0]].type in types else None

    def _reads(self, position: int, name: str) -> bool:
        return any(tensor.name == name for tensor in self._ops[position].present_inputs)


_OFFSET = 3.0
_CLOSE = 1e-3
_LONGEST_HARD_SWISH = 4


def _constant(op: Op) -> float | None:
    values = [tensor.value for tensor in op.present_inputs if tensor.value is not None and len(tensor.value) == 1]
    return float(values[0][0]) if len(values) == 1 else None


def _order(op: Op, rank: int) -> tuple[int, ...] | None:
    given = op.integers("perm")
    if given:
        return given
    tensor = op.optional_input(1)
    if tensor is not None:
        known = tensor.value is not None and all(map(isfinite, tensor.value))
        return tuple(int(axis) for axis in tensor.value or ()) if known else None
    return tuple(reversed(range(rank)))


def _swaps_channels(before: Shape, middle: Shape, order: tuple[int, ...]) -> bool:
    """Whether an order of axes swaps two neighbours, which one axis of ``before`` was split into."""
    moved = [axis for axis, source in enumerate(order) if axis != source]
    if len(order) != len(middle) or len(moved) != 2 or moved[1] != moved[0] + 1:
        return False
    first, second = middle[moved[0]], middle[moved[1]]
    return first > 1 and second > 1 and first * second in before[1:]


def _input_shape(op: Op) -> Shape | None:
    tensor = op.optional_input(0)
    return None if tensor is None else tensor.shape


def _output_shape(op: Op) -> Shape | None:
    return op.outputs[0].shape if op.outputs and op.outputs[0] is not None else None
