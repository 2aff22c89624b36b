"""The two products of attention and what stands between them, for operators that hold more than attention.

::

    s[h, q, t] = scale * query[h, q] . key[h, t] + mask[q, t]
    y[h, q] = sum over t of  softmax over t (s)[h, q, t] * value[h, t]

h head of the queries, q query, t key. Pairs (q, t) that an operator leaves out by definition are not counted,
pairs that a mask hides are. The numbers are those of the function body of Attention.

Source: ONNX operator specification, function bodies of Attention 23 and 24.
"""

from dataclasses import dataclass
from math import prod

from attainable.cost.composites import softmax
from attainable.workload.graph import Tensor

Shape4 = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Scores:
    """How large the score matrices of an attention are.

    Attributes:
        heads: of the queries.
        queries, keys: positions, summed over the batch.
        pairs: scores of one head, summed over the batch.
        size, value_size: elements of a head of queries and keys, and of values.
    """

    heads: int
    queries: int
    keys: int
    pairs: int
    size: int
    value_size: int

    @property
    def macs(self) -> int:
        """Both products."""
        return self.heads * self.pairs * (self.size + self.value_size)

    def operations(self, *, mask: int = 0, softcap: bool = False, sink: bool = False) -> int:
        """Scale queries and keys of every head, add the mask, cap (3 per score), softmax.

        A sink is a score without a value: compare, subtract, exp and add once a row.

        Args:
            mask: operations that make the mask.
            softcap: whether scores are capped.
            sink: whether each row has one.
        """
        scores, rows = self.heads * self.pairs, self.heads * self.queries
        scaling = self.heads * self.size * (self.queries + self.keys)
        cap = 3 * scores if softcap else 0
        return scaling + scores + cap + softmax(scores, rows) + (4 * rows if sink else 0) + mask


def dense(*, batch: int, heads: int, rows: int, columns: int, size: int, value_size: int) -> Scores:
    """Every query of a batch meets every key of it."""
    return Scores(heads, batch * rows, batch * columns, batch * rows * columns, size, value_size)


def mask_operations(
    *, batch: int, rows: int, columns: int, bias: Tensor | None, padding: Tensor | None, causal: bool
) -> int:
    """Operations that make the mask of a batch; none unless it depends on activations, as causality is known.

    Adding each known part to an activation costs one per element of the mask; finding the rows that are masked
    entirely costs one per element of it in all. Lengths are compared with the positions first.

    Args:
        batch: how many score matrices a head has.
        rows: queries of one.
        columns: keys of one.
        bias: what is added to the scores, ``(batch or 1, heads or 1, rows, columns)``.
        padding: a mask of rank 2 or more, or lengths, of rank 1.
        causal: whether later keys are hidden.
    """
    if all(tensor is None or tensor.is_constant for tensor in (bias, padding)):
        return 0
    parts: list[Shape4] = []
    if bias is not None:
        parts.append(_four_axes(bias, columns))
    lengths = padding if padding is not None and not padding.is_constant and padding.rank == 1 else None
    if padding is not None and lengths is None:
        parts.append((batch, 1, rows if padding.rank > 2 else 1, columns))
    if causal:
        parts.append((1, 1, rows, columns))
    if lengths is None:
        return len(parts) * prod(_broadcast(*parts))
    shape = _broadcast(*parts) if parts else (1, 1, rows, columns)
    combined = max(len(parts) - 1, 0) * prod(shape) if bias is not None and not bias.is_constant else 0
    ends = 2 if lengths.elements == 2 * batch else 1
    return combined + ends * batch * columns + 2 * prod(_broadcast(shape, (batch, 1, 1, columns)))


def length_mask_operations(
    *, batch: int, rows: int, columns: int, bias: Tensor | None, lengths: Tensor | None, causal: bool, window: bool
) -> int:
    """Operations that make the mask of queries at the end of keys whose lengths may be activations.

    Then a causal mask takes the offset of each batch entry, the last key of each query, and a comparison and an
    addition per element; a window the first key of each query, and a comparison and an addition per element.
    """
    bias = None if bias is None or bias.is_constant else bias
    if lengths is None or lengths.is_constant:
        if bias is None:
            return 0
        shape = _four_axes(bias, columns)
        if causal or window:
            shape = _broadcast(shape, (1, 1, rows, columns))
        return (causal + window + 1) * prod(shape)
    shape = (1, 1, rows, columns) if bias is None else _four_axes(bias, columns)
    operations = 0
    if causal:
        shape = _broadcast(shape, (batch, 1, rows, columns))
        operations += batch + batch * rows + batch * rows * columns + prod(shape)
    if window:
        shape = _broadcast(shape, (batch, 1, rows, columns))
        operations += batch * rows + batch * rows * columns + prod(shape)
    shape = _broadcast(shape, (batch, 1, 1, columns))
    return operations + batch * columns + 2 * prod(shape)


def _four_axes(bias: Tensor, columns: int) -> Shape4:
    """Shape of what is added to the scores, ones in front where axes are missing."""
    *leading, _ = (1, 1, 1, *(bias.dims or (1,)))
    batch, heads, rows = leading[-3:]
    return (batch, heads, rows, columns)


def _broadcast(*shapes: Shape4) -> Shape4:
    batch, heads, rows, columns = (max(extents) for extents in zip(*shapes, strict=True))
    return (batch, heads, rows, columns)
