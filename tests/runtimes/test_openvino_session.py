"""The child's side of OpenVINO with a stand-in for the library: what is read back from a compiled network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attainable.runtimes.sessions.openvino_session import OpenvinoSession, typical_seconds
from attainable.runtimes.worker import timed

SETTINGS: dict[str, Any] = {"threads": 3, "precision": "float32", "shapes": {}, "outputs": ["y"], "model": "model.onnx"}


@dataclass
class Operator:
    """A node of the model or of the runtime graph."""

    facts: dict[str, str] = field(default_factory=dict[str, str])
    name: str = "read"
    tensors: tuple[str, ...] = ()

    def get_rt_info(self) -> dict[str, str]:
        return self.facts

    def get_friendly_name(self) -> str:
        return self.name

    def set_friendly_name(self, name: str) -> None:
        self.name = name

    def inputs(self) -> list[object]:
        return []

    def outputs(self) -> list[Any]:
        return [SimpleNamespace(get_names=lambda: set(self.tensors))]


class Request:
    """Counts its runs; a kernel takes 1000 us the first time and then 10, and the counter gives the mean."""

    def __init__(self) -> None:
        self.runs = 0

    def set_tensor(self, port: object, tensor: object) -> None:
        pass

    def infer(self, *, share_outputs: bool) -> None:
        assert share_outputs
        self.runs += 1

    def get_profiling_info(self) -> list[Any]:
        mean = (1000 + 10 * (self.runs - 1)) // self.runs
        return [SimpleNamespace(node_name="kernel", real_time=timedelta(microseconds=mean))]


class Library:
    """Stands in for the module ``openvino``."""

    def __init__(self, kernels: Sequence[Operator], operators: Sequence[Operator] = ()) -> None:
        self.settings: list[dict[str, object]] = []
        self._model = SimpleNamespace(inputs=[], get_ordered_ops=lambda: list(operators))
        self._kernels = list(kernels)

    def Core(self) -> Any:  # noqa: N802  (the library's name)
        return SimpleNamespace(read_model=self._read, compile_model=self._compile)

    def _read(self, path: str) -> Any:
        assert path == "model.onnx"
        return self._model

    def _compile(self, model: object, device: str, settings: dict[str, object]) -> Any:
        assert (model, device) == (self._model, "CPU")
        self.settings.append(settings)
        return SimpleNamespace(
            inputs=[], outputs=[object()], create_infer_request=Request,
            get_runtime_model=lambda: SimpleNamespace(get_ordered_ops=lambda: self._kernels),
        )  # fmt: skip


def kernel(layer: str, precision: str, **facts: str) -> Operator:
    return Operator({"layerType": layer, "runtimePrecision": precision, "outputLayouts": "abcd", **facts}, "kernel")


@pytest.mark.parametrize(
    ("kernels", "precision"),
    [
        ([kernel("Convolution", "bf16"), kernel("Reorder", "f32"), kernel("Subgraph", "f32")], "bfloat16"),
        ([kernel("Convolution", "i8"), kernel("Convolution", "i8"), kernel("FullyConnected", "f32")], "int8"),
        ([kernel("Const", "f32"), kernel("Gather", "i64"), kernel("Subgraph", "f16")], "float16"),
        ([kernel("Gather", "i64")], "int64"),
        ([kernel("Convolution", "of the future")], "of the future"),
        ([], ""),
    ],
)
def test_the_precision_is_that_of_most_contractions(kernels: list[Operator], precision: str) -> None:
    assert OpenvinoSession(Library(kernels), SETTINGS).precision() == precision


def test_threads_precision_and_placement_are_always_set() -> None:
    library = Library([])
    OpenvinoSession(library, {**SETTINGS, "precision": "bfloat16"})
    assert library.settings == [
        {
            "INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 3, "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False, "PERF_COUNT": False,
        }
    ]  # fmt: skip


def test_cold_runs_are_taken_out_of_the_mean(tmp_path: Path) -> None:
    ran = kernel("Convolution", "f32", execTimeMcs="25", execOrder="4", originalLayersNames="fused,@0.0,@1")
    library = Library([ran], [Operator(tensors=("b", "a")), Operator()])
    session = OpenvinoSession(library, SETTINGS)
    session.feed({"inputs": {}})
    file = tmp_path / "graph.json"
    answer = session.profile({"blocks": 4, "runs": 5, "share": True, "graph": str(file)}, timed)
    assert library.settings[-1]["PERF_COUNT"] is True
    graph = json.loads(file.read_text())
    (node,) = graph["nodes"]
    # 2 cold runs: 1010 us, mean 505; after 20 more 1210 us, mean 55: (22 * 55 - 2 * 505) / 20 = 10
    assert node["seconds"] == pytest.approx(10e-6)
    assert node["ran"]
    assert node["operators"] == ["fused", "@0", "@1"]
    assert graph["operators"] == {"@0": [["a", "b"]], "@1": [[]]}
    assert len(answer["plain"]) == len(answer["profiled"]) == 20


def test_where_memory_is_short_the_first_network_is_given_up(tmp_path: Path) -> None:
    session = OpenvinoSession(Library([kernel("Convolution", "f32")]), SETTINGS)
    session.feed({"inputs": {}})
    answer = session.profile({"blocks": 1, "runs": 3, "share": False, "graph": str(tmp_path / "graph.json")}, timed)
    assert (len(answer["plain"]), len(answer["profiled"])) == (0, 3)
    with pytest.raises(RuntimeError, match="the session has no inputs"):
        session.call()


def test_another_number_of_outputs_is_refused() -> None:
    with pytest.raises(ValueError, match="it has 1 outputs, the model 2"):
        OpenvinoSession(Library([]), {**SETTINGS, "outputs": ["y", "z"]})


@pytest.mark.parametrize(
    ("blocks", "typical"),
    [
        # runs of 5: a mean since the start is cut by up to a microsecond, of 2 + 20 runs: 4.4 us of a block at most
        ([50, 50, 50, 50], 10.0),
        # 13.2 us more than the median is what cutting off may explain at most: the mean stands
        ([50, 50, 50, 300], 22.5),
        # an interruption of 2 ms in one block
        ([50, 50, 50, 2050], 10.0),
        ([0, 0, 0, 0], 0.0),
    ],
)
def test_an_interrupted_block_is_left_out(blocks: list[int], typical: float) -> None:
    totals = [1e-6 * total for total in accumulate([1000, *blocks])]
    assert typical_seconds(totals, 5) == pytest.approx(typical * 1e-6)
