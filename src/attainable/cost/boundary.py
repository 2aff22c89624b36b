"""The work of several ops run as one: inner tensors stay in registers and caches, only the boundary is moved."""

from collections.abc import Iterable

from attainable.cost.count import Count, OpCount
from attainable.cost.rules import RULES
from attainable.cost.work import Work


class Boundary:
    """Answers for any set of ops of one network what it costs when nothing inside it goes through memory.

    Views have no memory of their own, so reading a view is reading what it views.
    """

    def __init__(self, count: Count) -> None:
        self._entries: dict[str, OpCount] = {entry.op.id: entry for entry in count.ops}
        self._position: dict[str, int] = {entry.op.id: position for position, entry in enumerate(count.ops)}
        self._roots: dict[str, str] = {}
        self._producer: dict[str, str] = {}
        self._readers: dict[str, set[str]] = {}
        for entry in count.ops:
            op = entry.op
            rule = RULES.get(op.type)
            if rule is not None and rule.storage == "view" and op.inputs and op.outputs:
                viewed, view = op.inputs[0], op.outputs[0]
                if viewed is not None and view is not None:
                    self._roots[view.name] = self._root(viewed.name)
                continue
            for tensor in op.present_inputs:
                self._readers.setdefault(self._root(tensor.name), set()).add(op.id)
            for tensor in op.present_outputs:
                self._producer[tensor.name] = op.id
        self._returned = {self._root(tensor.name) for tensor in count.workload.outputs}

    def private_producers(self, id: str) -> tuple[str, ...]:
        """Ids of the ops that make an input which only the op ``id`` reads, in running order."""
        op = self._entries[id].op
        found = {
            producer: self._position[producer]
            for tensor in op.present_inputs
            if (producer := self._producer.get(root := self._root(tensor.name))) is not None
            and self._readers.get(root) == {id}
            and root not in self._returned
        }
        return tuple(sorted(found, key=lambda producer: found[producer]))

    def work(self, ids: Iterable[str]) -> Work:
        """Operations of the ops summed, and the traffic across their common boundary.

        A tensor that comes from outside is read once however many of the ops read it; a tensor that nobody outside
        reads is not written. An op that reads only part of an input (Gather, Slice) counts that part.
        """
        inside = set(ids)
        entries = [self._entries[id] for id in inside if id in self._entries]
        total = Work()
        for entry in entries:
            total += Work(entry.work.macs, entry.work.operations)
        activation_in = weight = activation_out = 0
        read: set[str] = set()
        for entry in entries:
            partial = self._reads_partially(entry)
            for tensor in {tensor.name: tensor for tensor in entry.op.present_inputs}.values():
                root = self._root(tensor.name)
                if root in read or self._producer.get(root) in inside or entry.work.bytes_read == 0 or partial:
                    continue
                read.add(root)
                if tensor.is_constant:
                    weight += tensor.bytes
                else:
                    activation_in += tensor.bytes
            if partial and not any(
                self._producer.get(self._root(tensor.name)) in inside for tensor in entry.op.present_inputs
            ):
                activation_in += entry.work.bytes_activation_in
                weight += entry.work.bytes_weight
            for tensor in entry.op.present_outputs if entry.work.bytes_written else ():
                outside = self._readers.get(tensor.name, set()) - inside
                if outside or tensor.name in self._returned or not self._readers.get(tensor.name):
                    activation_out += tensor.bytes
        return total + Work(bytes_activation_in=activation_in, bytes_weight=weight, bytes_activation_out=activation_out)

    @staticmethod
    def _reads_partially(entry: OpCount) -> bool:
        if entry.state != "counted" or entry.work.bytes_read == 0:
            return False
        whole = sum(tensor.bytes for tensor in {tensor.name: tensor for tensor in entry.op.present_inputs}.values())
        return entry.work.bytes_read != whole

    def _root(self, name: str) -> str:
        return self._roots.get(name, name)
