"""Transforms: one change of a graph each, as an onnx-ir pass. They make a new model and never touch the file they read.

A transform only changes; whether the change is right and worth it is for ``attainable.optimization`` to say. Importing
this package loads neither onnx nor onnx_ir, which takes 0.4 s.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from attainable.errors import unknown_name
from attainable.workload.shapes import Bindings

__all__ = ["TRANSFORMS", "Options", "Transform", "Transformed", "transform"]


def _no_shapes() -> Bindings:
    return {}


@dataclass(frozen=True, slots=True)
class Options:
    """What a transform may need to know beyond the model.

    Attributes:
        shapes: numbers for symbolic dimensions, shapes for inputs; only for running the model.
        batch: number for the batch dimension.
        data: a folder with inputs; None makes them up. See ``input_sets``.
        reduce_range: whether int8 weights get 7 bits instead of 8; None decides by this machine's processor.
    """

    shapes: Bindings = field(default_factory=_no_shapes)
    batch: int | None = None
    data: Path | None = None
    reduce_range: bool | None = None


@dataclass(frozen=True, slots=True)
class Transformed:
    """What a transform made of a model.

    Attributes:
        content: the new model file, its weights inside; None where there was nothing to change.
        summary: what was changed, or why nothing was; one sentence without full stop.
        details: further facts, one sentence each.
        warnings: what to know before using the result, one sentence each.
    """

    content: bytes | None
    summary: str
    details: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transform:
    """A change that can be applied to a model.

    Attributes:
        name: its key in ``TRANSFORMS``.
        summary: one line.
        exact: whether the outputs must stay equal up to rounding; otherwise they may lose precision.
        module: where its function ``apply`` is; imported on first use.
    """

    name: str
    summary: str
    exact: bool
    module: str

    def apply(self, path: Path, options: Options) -> Transformed:
        """Make the changed model.

        Args:
            path: the model file, which stays as it is.
            options: see ``Options``.

        Raises:
            InputError: the model or an option cannot be used.
            RunError: a worker that the transform needs failed.
        """
        function: Callable[[Path, Options], Transformed] = importlib.import_module(self.module).apply
        return function(path, options)


TRANSFORMS: dict[str, Transform] = {
    "bn-fold": Transform(
        name="bn-fold",
        summary="batch normalisation folded into the convolution or Gemm before it",
        exact=True,
        module="attainable.transforms.fold_batch_normalization",
    ),
    "int8": Transform(
        name="int8",
        summary="static int8: activations u8 per tensor, weights s8 per channel, as QuantizeLinear/DequantizeLinear",
        exact=False,
        module="attainable.transforms.quantize_int8",
    ),
}
"""The transforms by name. A new one is one file with a function ``apply`` and one row here."""


def transform(name: str) -> Transform:
    """The transform of this name.

    Raises:
        UnknownName: there is none; the help names the closest one and the list.
    """
    if name in TRANSFORMS:
        return TRANSFORMS[name]
    raise unknown_name("transform", name, TRANSFORMS)
