"""The model's graph as an index: who makes and who reads each tensor."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attainable.workload.graph import Op, Tensor

_PASS_ON = ("Identity", "Dropout")
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
    """

    tensors: frozenset[str]
    producer: dict[str, Op]
    consumers: dict[str, list[Op]]
    namesake: dict[str, Op]

    def same(self, tensor: str) -> str:
        """The tensor whose value this one has: what an Identity or Dropout passes on is followed back."""
        while (op := self.producer.get(tensor)) is not None and op.kind in _PASS_ON:
            source = op.optional_input(0)
            if source is None or not _is_first_output(op, tensor):
                break
            tensor = source.name
        return tensor

    def readers(self, tensor: str) -> Iterator[Op]:
        """Ops that read a tensor, or what an Identity or Dropout passes on of it."""
        for op in self.consumers.get(tensor, ()):
            if op.kind in _PASS_ON and op.outputs[0] is not None:
                yield from self.readers(op.outputs[0].name)
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
    namesake = {op.name: op for op in ops if op.name and names[op.name] == 1}
    return Model(frozenset(producer) | frozenset(inputs), producer, dict(consumers), namesake)


def _is_first_output(op: Op, tensor: str) -> bool:
    return op.outputs[0] is not None and op.outputs[0].name == tensor
