"""ONNX's own backend tests: does every case read and count, and are the output shapes right?

The declared output shapes are removed and the inputs are given; right is what the case expects as outputs, tensor by
tensor in sequences and optionals too. A typed refusal counts as an exception. ``--verbose`` lists every miss.

Claims: no exception; shapes right in >= 1,390 of 1,404 plain node cases and >= 470 of 480 expanded ones.
"""

import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from attainable.cost.count import count
from attainable.workload import Tensor, load

if TYPE_CHECKING:
    from onnx.backend.test.case.test_case import TestCase

Array = NDArray[np.generic]
Value = Array | Sequence["Value"] | None

STORED = ("simple", "pytorch-converted", "pytorch-operator")
"""Kinds of cases that onnx ships as files."""

CLAIMS = {"node": 1390, "node, expanded": 470}


@dataclass(frozen=True, slots=True)
class Case:
    """A model with its inputs and what it must return.

    Attributes:
        kind: ``node``, ``node, expanded`` or one of ``STORED``.
        name: as onnx calls it.
        model: with declared outputs.
        inputs: by name.
        outputs: in the model's order.
    """

    kind: str
    name: str
    model: onnx.ModelProto
    inputs: dict[str, Value]
    outputs: tuple[Value, ...]


def node_cases() -> Iterator[Case]:
    """The cases of single operators, plain and expanded into the operator's function body."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases compute their expectations with overflows and divisions by zero
        collected = collect_testcases(None)
    yield from cases_of(collected)


def cases_of(collected: Iterable[object]) -> Iterator[Case]:
    """Cases from onnx's own records of them, which hold the model and its data."""
    for case in cast("Iterable[TestCase]", collected):
        if case.model is None or not case.data_sets:
            raise ValueError(f"{case.name} has no model")
        inputs, outputs = case.data_sets[0]
        yield Case(
            "node, expanded" if "_expanded" in case.name else "node",
            case.name,
            case.model,
            {value.name: _plain(item) for value, item in zip(case.model.graph.input, inputs, strict=True)},
            tuple(map(_plain, outputs)),
        )


def stored_cases(kind: str) -> Iterator[Case]:
    """The cases of a kind that come as files with onnx."""
    from onnx.backend.test.loader import load_model_tests

    for case in sorted(load_model_tests(kind=kind), key=lambda case: case.name):
        folder = Path(case.model_dir or "")
        model = onnx.ModelProto.FromString((folder / "model.onnx").read_bytes())
        files = folder / "test_data_set_0"
        initialisers = {proto.name for proto in model.graph.initializer}
        declared = [value for value in model.graph.input if value.name not in initialisers]
        if len(list(files.glob("input_*.pb"))) > len(declared):
            declared = list(model.graph.input)
        yield Case(
            kind,
            case.name,
            model,
            {
                value.name: _stored(files / f"input_{index}.pb", value.type)
                for index, value in enumerate(declared)
                if (files / f"input_{index}.pb").exists()
            },
            tuple(_stored(files / f"output_{index}.pb", value.type) for index, value in enumerate(model.graph.output)),
        )


def _stored(path: Path, type: onnx.TypeProto) -> Value:
    content = path.read_bytes()
    if type.HasField("sequence_type"):
        return _plain(onnx.SequenceProto.FromString(content))
    if type.HasField("optional_type"):
        return _plain(onnx.OptionalProto.FromString(content))
    return _plain(onnx.TensorProto.FromString(content))


def _plain(value: object) -> Value:
    match value:
        case None:
            return None
        case onnx.TensorProto():
            return numpy_helper.to_array(value)
        case onnx.SequenceProto():
            return _plain(numpy_helper.to_list(value))
        case onnx.OptionalProto():
            return _plain(numpy_helper.to_optional(value))
        case list():
            return [_plain(item) for item in cast("list[object]", value)]
        case _:
            return np.asarray(value)


def analyse(case: Case, folder: Path) -> tuple[Tensor, ...]:
    """Load a case with its inputs given and its output shapes removed, count it, and return its outputs."""
    model = onnx.ModelProto.FromString(case.model.SerializeToString())
    for value in model.graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    workload = load(path, values=case.inputs)
    count(workload)
    return workload.outputs


def fits(tensor: Tensor, expected: Value) -> bool:
    """Tell whether an output is what the case expects: every tensor in a container, and a scalar is no vector."""
    if tensor.container == "optional":
        if tensor.parts is None:
            return False
        return expected is None if not tensor.parts else fits(tensor.parts[0], expected)
    if isinstance(expected, np.ndarray):
        return not tensor.container and tensor.shape == expected.shape
    if expected is None or tensor.parts is None:
        return False
    return len(tensor.parts) == len(expected) and all(map(fits, tensor.parts, expected))


def miss(case: Case, folder: Path) -> str:
    """Why a case is not right; empty where it is."""
    try:
        outputs = analyse(case, folder)
    except Exception as error:  # any exception is what is counted here
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    for tensor, expected in zip(outputs, case.outputs, strict=True):
        if not fits(tensor, expected):
            return f"{tensor.name} is {shown(tensor)}, expected {shown(expected)}"
    return ""


def shown(value: Tensor | Value) -> str:
    """The shape, or the shapes in a container."""
    if isinstance(value, Tensor):
        return (
            f"{value.container}{[shown(part) for part in value.parts]}" if value.parts is not None else str(value.shape)
        )
    if isinstance(value, np.ndarray):
        return str(value.shape)
    return "nothing" if value is None else f"{[shown(item) for item in value]}"


def main() -> None:
    """Print the table."""
    verbose = "--verbose" in sys.argv
    cases: dict[str, list[Case]] = {}
    for case in node_cases():
        cases.setdefault(case.kind, []).append(case)
    cases |= {kind: list(stored_cases(kind)) for kind in STORED}
    print(f"{'cases':<20}{'number':>8}{'analysed':>10}{'shapes right':>14}   claim")
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, group in cases.items():
            reasons = {case.name: miss(case, Path(folder)) for case in group}
            raised = sum("Error: " in reason or "Exception: " in reason for reason in reasons.values())
            right = sum(not reason for reason in reasons.values())
            claim = f">= {CLAIMS[kind]}, no exception" if kind in CLAIMS else "no exception"
            print(f"{kind:<20}{len(group):>8}{len(group) - raised:>10}{right:>14}   {claim}", flush=True)
            missed += [f"{kind}: {name}: {reason}" for name, reason in sorted(reasons.items()) if reason]
    if verbose:
        print("\n".join(["", *missed]))


if __name__ == "__main__":
    main()
