"""The model's graph as an index: who makes and who reads each tensor."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attainable.workload.graph import Op, Tensor

_PASS_ON = ("Identity", "Dropout")
_RANDOM = ("Random", "Multinomial", "Bernoulli")
_SAME_ELEMENTS = (
    *_PASS_ON, "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "DequantizeLinear", "QuantizeLinear", "Cast",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """Who makes and who reads each tensor of the model.

    Attributes:
        tensors: all names.
        producer: the op that makes a tensor.
        consumers: the ops that read it.
        namesake: the op of a name that no other op has.
        first_alike: for a tensor, the first one with the same value: what an Identity passed on, or what an op of the
            same kind made of the same inputs before. Runtimes compute it once.
        alike: all tensors that have the value of a first one.
    """

    tensors: frozenset[str]
    producer: dict[str, Op]
    consumers: dict[str, list[Op]]
    namesake: dict[str, Op]
    first_alike: dict[str, str]
    alike: dict[str, list[str]]

    def same(self, tensor: str) -> str:
        """The first tensor that has the same value, see ``model_of``."""
        return self.first_alike.get(tensor, tensor)

    def readers(self, tensor: str) -> Iterator[Op]:
        """Ops that read a tensor, or what an Identity or Dropout passes on of it."""
        for op in self.consumers.get(tensor, ()):
            if is_passed_on(op):
                yield from self.readers(op.output.name)
            else:
                yield op

    def only_reader(self, tensor: str) -> Op | None:
        """The one op that reads a tensor; None where there are more or none."""
        readers = list(self.readers(tensor))
        return readers[0] if len(readers) == 1 else None

    def sources(self, op: Op) -> tuple[str, ...]:
        """What an op reads, each followed back to where its value comes from."""
        return tuple(self.same(tensor.name) for tensor in op.present_inputs)

    def reads(self, op: Op, tensor: str) -> bool:
        """Whether an op reads the elements of a tensor, perhaps in another order, shape or representation."""
        pending: list[Tensor] = list(op.present_inputs)
        while pending:
            source = pending.pop()
            if source.name == tensor or self.same(source.name) == self.same(tensor):
                return True
            maker = self.producer.get(source.name)
            if maker is not None and maker.kind in _SAME_ELEMENTS and not maker.domain:
                pending += maker.present_inputs[:1]
        return False


def model_of(ops: Sequence[Op], inputs: Sequence[str]) -> Model:
    """Index the ops and graph inputs of a model."""
    producer: dict[str, Op] = {}
    consumers: defaultdict[str, list[Op]] = defaultdict(list)
    for op in ops:
        for tensor in op.present_outputs:
            producer[tensor.name] = op
        for name in dict.fromkeys(tensor.name for tensor in op.present_inputs):
            consumers[name].append(op)
    names = Counter(op.name for op in ops)
    first_alike = _first_alike(ops)
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for tensor, first in first_alike.items():
        alike[first].append(tensor)
    return Model(
        tensors=frozenset(producer) | frozenset(inputs),
        producer=producer,
        consumers=dict(consumers),
        namesake={op.name: op for op in ops if op.name and names[op.name] == 1},
        first_alike=first_alike,
        alike=dict(alike),
    )


def _first_alike(ops: Sequence[Op]) -> dict[str, str]:
    first: dict[str, str] = {}
    made: dict[tuple[object, ...], Op] = {}
    for op in ops:
        if is_passed_on(op):
            first[op.output.name] = first.get(op.input(0).name, op.input(0).name)
        elif op.present_inputs and not op.bodies and not op.kind.startswith(_RANDOM):
            sources = tuple(tensor and first.get(tensor.name, tensor.name) for tensor in op.inputs)
            twin = made.setdefault((op.type, sources, op.attributes, len(op.outputs)), op)
            for ours, theirs in zip(op.outputs, twin.outputs, strict=True):
                if ours is not None and theirs is not None:
                    first[ours.name] = theirs.name
    return first


def is_passed_on(op: Op) -> bool:
    """Whether an op's first result is its first input, unchanged."""
    first_output = op.outputs[0] if op.outputs else None
    return op.kind in _PASS_ON and not op.domain and op.optional_input(0) is not None and first_output is not None
