"""Tells by their values which tensor of the model each of ncnn's blobs is.

pnnx gives blobs numbers for names, and ncnn packs, transposes and views their elements. What stays the same are number,
mean, deviation, least, largest and mean magnitude of the elements: with inputs at random they are as good as a name.
Where several tensors hold the same elements, as before and after a reshape, the order decides.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attainable.runtimes import Array

Moments = tuple[float, ...]
"""Number of elements, mean, standard deviation, least, largest, mean magnitude; the number alone where not finite."""

_CLOSE = 2e-3
"""Of the largest magnitude: sums in another order are 1e-6 off, approximated activations 1e-4 and more."""
_COMPLETE = 6


def moments(array: "Array") -> Moments:
    """Describe the elements of an array."""
    import numpy

    elements = array.astype(numpy.float64)
    if not elements.size or not numpy.isfinite(elements).all():
        return (float(elements.size),)
    return (
        float(elements.size), float(elements.mean()), float(elements.std()), float(elements.min()),
        float(elements.max()), float(numpy.abs(elements).mean()),
    )  # fmt: skip


def match(blobs: Mapping[str, Moments], tensors: Mapping[str, Moments]) -> dict[str, str]:
    """Find the tensor of each blob.

    Args:
        blobs: that a layer computes, in the order of the layers.
        tensors: of the model, in its order.

    Returns:
        The tensor by blob, as far as there is one. Where there are fewer blobs of the same values than tensors, they
        are the last ones: what comes before was fused or never made. Where there are more, the last blobs are all the
        last tensor.
    """
    answer: dict[str, str] = {}
    placed: set[str] = set()
    for blob, values in blobs.items():
        if blob in placed:
            continue
        same_blobs = [other for other, theirs in blobs.items() if other not in placed and _alike(values, theirs)]
        same_tensors = [name for name, theirs in tensors.items() if _alike(values, theirs)]
        placed.update(same_blobs)
        answer.update(_in_order(same_blobs, same_tensors))
    return answer


def _in_order(blobs: Sequence[str], tensors: Sequence[str]) -> dict[str, str]:
    if not tensors:
        return {}
    first = max(0, len(tensors) - len(blobs))
    return {blob: tensors[min(first + number, len(tensors) - 1)] for number, blob in enumerate(blobs)}


def _alike(ours: Moments, theirs: Moments) -> bool:
    if len(ours) != _COMPLETE or len(theirs) != _COMPLETE or ours[0] != theirs[0]:
        return False
    magnitude = max(abs(theirs[3]), abs(theirs[4]))
    return all(abs(a - b) <= _CLOSE * magnitude for a, b in zip(ours[1:], theirs[1:], strict=True))
