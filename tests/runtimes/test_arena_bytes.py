"""What onnxruntime's arena holds: read from its log, in every session that is profiled."""

from pathlib import Path

import pytest

from attainable.measurement.inputs import make_inputs
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.runtimes.sessions import onnxruntime_session
from attainable.runtimes.worker_statistics import arena_bytes_in
from tests.models import value
from tests.runtimes.nets import Net

HEAD = "2026-11-21 09:42:27.147 [I:onnxruntime:Default, bfc_arena.cc:1"
RESERVED = f"{HEAD} Reserve] Reserving memory in BFCArena for Cpu size: "
TOTAL = f"{HEAD} Extend] Total allocated bytes: "


@pytest.mark.parametrize(
    ("lines", "held"),
    [
        ([], None),
        (["[W:onnxruntime] something else: 7"], None),
        ([f"{RESERVED}64", f"{RESERVED}96"], 160),
        # a total has what was reserved before it in it; what is reserved later comes on top
        ([f"{RESERVED}64", f"{TOTAL}1064", f"{TOTAL}3064\r", f"{RESERVED}36"], 3100),
        ([f"{TOTAL}{'9' * 40}", f"{TOTAL}-5", f"{TOTAL}many"], None),
    ],
)
def test_growths_are_added_up(lines: list[str], held: int | None) -> None:
    assert vars(onnxruntime_session)["_arena_bytes"](lines) == held


def test_the_arena_of_a_network_holds_its_weights_and_its_activations(tmp_path: Path) -> None:
    net = Net()
    # 1 MiB of packed weights; 4 MiB of activations after the first layer, of which an arena takes powers of two
    hidden = net.op("Relu", net.op("MatMul", "x", net.weight(256, 1024)))
    workload = net.load(tmp_path, [value("x", [1024, 256])], net.op("ReduceSum", hidden))
    with RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60) as session:
        found = session.profile(runs=2, deadline_seconds=60).arena_bytes
        again = session.profile(runs=2, deadline_seconds=60).arena_bytes
    assert found is not None
    assert 5 * 2**20 <= found <= 32 * 2**20
    assert again == found


def test_a_worker_that_tells_no_number_is_not_believed() -> None:
    assert arena_bytes_in({}) is arena_bytes_in({"arena_bytes": None}) is None
    assert arena_bytes_in({"arena_bytes": 7}) == 7
    for wrong in (-1, "many", [3]):
        with pytest.raises((TypeError, ValueError)):
            arena_bytes_in({"arena_bytes": wrong})
