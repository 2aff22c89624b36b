"""What is known while one graph is read: its tensors by name, and what the graphs around it offer."""

from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from attainable.workload.onnx.values import Names, Values


@dataclass(frozen=True, slots=True)
class Scope:
    """A graph, a body or the body of a function while its nodes are read.

    Attributes:
        tensors: by name; gains every output, and looks up in the outer graph what it does not have.
        values: what is known of their elements.
        types: what onnx inferred, by name; it may know some axes of a tensor that has no shape here.
        opsets: version by domain.
        prefix: path of the graph in the file, ``""`` or ``12/then_branch/``.
        is_certain: every node runs. In a branch of If some may be impossible, because they never run.
    """

    tensors: Names
    values: Values
    types: dict[str, onnx.TypeProto]
    opsets: Mapping[str, int]
    prefix: str = ""
    is_certain: bool = True
