"""A network as if it computed in another element type: what it would be after quantisation, on paper."""

from dataclasses import replace

from attainable.workload.dtypes import bytes_of, is_floating
from attainable.workload.graph import Body, Op, Tensor, Workload


def recast(workload: Workload, dtype: str) -> Workload:
    """The network with every floating tensor in ``dtype``, nothing else changed.

    Real quantisation keeps some ops in floating point and adds scales; this is what remains of the work when all of
    it computes in ``dtype``.

    Args:
        workload: with every dimension bound.
        dtype: a key of ``dtypes.BITS``.
    """
    known: dict[int, Tensor] = {}

    def tensor(old: Tensor) -> Tensor:
        # one object for one tensor, as the readers have it
        found = known.get(id(old))
        if found is None:
            found = known[id(old)] = _tensor(old, dtype)
        return found

    def tensors(old: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(map(tensor, old))

    def optional(old: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        return tuple(None if each is None else tensor(each) for each in old)

    def op(old: Op) -> Op:
        return replace(
            old, inputs=optional(old.inputs), outputs=optional(old.outputs), bodies=tuple(map(body, old.bodies))
        )

    bodies: dict[int, Body] = {}

    # readers refuse bodies that lie too deep in each other for this
    def body(old: Body) -> Body:
        # one object for one body: functions that call functions share them
        found = bodies.get(id(old))
        if found is None:
            found = bodies[id(old)] = replace(
                old, ops=tuple(map(op, old.ops)), inputs=tensors(old.inputs), outputs=tensors(old.outputs),
                constants=tensors(old.constants),
            )  # fmt: skip
        return found

    return replace(
        workload, ops=tuple(map(op, workload.ops)), inputs=tensors(workload.inputs),
        outputs=tensors(workload.outputs), constants=tensors(workload.constants),
    )  # fmt: skip


def _tensor(old: Tensor, dtype: str) -> Tensor:
    parts = None if old.parts is None else tuple(_tensor(part, dtype) for part in old.parts)
    if not is_floating(old.dtype):
        return old if parts is None else replace(old, parts=parts)
    stored = old.bytes_stored
    if stored is not None and old.shape is not None:
        stored = bytes_of(dtype, old.elements)
    return replace(old, dtype=dtype, bytes_stored=stored, parts=parts)
