"""onnxruntime in a real worker: what it says of itself, what it refuses, and the times it gives."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from attainable.errors import RuntimeRefused, UnknownName
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import RUNTIMES, runtime
from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.onnxruntime import REFERENCE, RUNTIME
from attainable.runtimes.onnxruntime.kernels import ProfilerCost, attributed_kernels, profiler_cost
from attainable.workload import Workload, load
from tests.models import constant, model, save, value
from tests.runtimes.nets import Net, image, profile_of


def convolution(folder: Path) -> Workload:
    net = Net()
    return net.load(folder, [image()], net.op("Relu", net.conv("x", 3, 16)))


def refuse(workload: Workload) -> RuntimeRefused:
    inputs = make_inputs(workload)
    with pytest.raises(RuntimeRefused) as refusal:
        RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60)
    return refusal.value


def test_runtimes_are_found_by_name() -> None:
    assert runtime("onnxruntime") is RUNTIME
    assert RUNTIME.name in RUNTIMES
    with pytest.raises(UnknownName, match="no runtime is called 'onnxrt'\n  help: did you mean onnxruntime"):
        runtime("onnxrt")


def test_a_session_runs_and_profiles(tmp_path: Path) -> None:
    workload = convolution(tmp_path)
    inputs = make_inputs(workload)
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        assert session.version == onnxruntime.__version__
        assert 0 < session.load_seconds < 60
        samples = session.run(seconds=0.0, minimum=4, maximum=9, deadline_seconds=60)
        assert len(samples.seconds) == 4
        assert 0 < sum(samples.seconds) <= samples.wall_seconds
        assert samples.peak_rss_bytes > 2**20
        assert len(session.run(seconds=60, minimum=1, maximum=7, deadline_seconds=60).seconds) == 7
        profile = session.profile(runs=4, deadline_seconds=60)
        assert len(profile.plain_seconds) == len(profile.profiled_seconds) == 4
        assert 0 < profile.profiler_seconds < 0.1
        assert sum(kernel.seconds for kernel in profile.kernels) < max(profile.profiled_seconds)
        folder = Path(f"/proc/{session.process_id}/cwd").resolve()
        assert not list(folder.glob("profile*"))
        assert not list(folder.glob("optimised*"))
    assert not folder.exists()


def test_the_reference_runs_the_models_own_nodes(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image(16)], net.op("Relu", net.conv("x", 16, 16)))
    inputs = make_inputs(workload)
    kinds: dict[bool, list[str]] = {}
    outputs: dict[bool, np.ndarray] = {}
    for tried in (RUNTIME, REFERENCE):
        with tried.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
            (outputs[tried.optimised],) = session.compute(inputs.arrays, deadline_seconds=60).values()
            profile = session.profile(runs=2, deadline_seconds=60)
            kinds[tried.optimised] = [kernel.kind for kernel in profile.kernels]
    assert kinds[False] == [op.kind for op in workload.ops] == ["Conv", "Relu"]
    assert "Relu" not in kinds[True]
    np.testing.assert_allclose(outputs[True], outputs[False], rtol=1e-4, atol=1e-5)
    assert REFERENCE.name == RUNTIME.name
    assert REFERENCE not in [runtime(RUNTIME.name)]


def test_symbolic_dimensions_get_their_numbers(tmp_path: Path) -> None:
    proto = model(
        [helper.make_node("Conv", ["x", "w"], ["y"])], [value("x", ["N", 3, "S", "S"])], ["y"],
        [constant("w", 4, 3, 3, 3)],
    )  # fmt: skip
    workload = load(save(proto, tmp_path), {"N": 2, "S": 9})
    inputs = make_inputs(workload)
    assert inputs.arrays["x"].shape == (2, 3, 9, 9)
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        assert session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=60).seconds


def test_weights_in_another_file_are_found_beside_the_model(tmp_path: Path) -> None:
    proto = model([helper.make_node("Gemm", ["x", "w"], ["y"])], [value("x", [4, 64])], ["y"], [constant("w", 64, 64)])
    weight = proto.graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    workload = load(save(proto, tmp_path))
    inputs = make_inputs(workload)
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        assert session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=60).seconds
    (tmp_path / "weights.bin").unlink()
    assert "weights.bin" in refuse(workload).what


def test_an_operator_it_does_not_know_is_refused_in_its_own_words(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Imagined", ["r"], ["y"], domain="somebody")]
    workload = load(save(model(nodes, [value("x", [2, 2])], ["y"]), tmp_path))
    assert "somebody" in refuse(workload).what
    assert "\n" not in refuse(workload).what


def test_a_model_that_is_gone_is_refused(tmp_path: Path) -> None:
    workload = convolution(tmp_path)
    Path(workload.provenance.path).unlink()
    assert "File doesn't exist" in refuse(workload).what


def test_types_that_numpy_lacks_are_fed_by_their_bits(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    workload = load(save(model([cast], [value("x", [8, 8], TensorProto.BFLOAT16)], ["y"]), tmp_path))
    inputs = make_inputs(workload)
    assert inputs.arrays["x"].dtype == np.uint16
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        assert session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=60).seconds


def test_results_may_have_another_size_each_time(tmp_path: Path) -> None:
    net = Net()
    chosen = net.op("NonZero", net.op("Greater", net.op("RandomNormalLike", "x"), "x"))
    last = net.op("Cast", chosen, attributes={"to": TensorProto.FLOAT})
    workload = net.load(tmp_path, [value("x", [100])], last)
    inputs = make_inputs(workload)
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        assert len(session.run(seconds=0.0, minimum=9, maximum=9, deadline_seconds=60).seconds) == 9


def kernel(name: str, kind: str, microseconds: float, within: int = 0) -> dict[str, object]:
    return {"name": name, "kind": kind, "seconds": microseconds * 1e-6, "within": within}


def test_nameless_nodes_are_told_apart_by_position(tmp_path: Path) -> None:
    workload = Net().load(tmp_path, [value("x", [2])], "x")
    nodes = [Node("", "Relu", "", ("x",), ("a",)), Node("", "Relu", "", ("a",), ("b",))]
    profiled = [kernel("Relu_7", "Relu", 5), kernel("Relu_9", "Relu", 1)]
    kernels = attributed_kernels(profiled, nodes, workload, cost=ProfilerCost(2e-6, 0.0))
    assert [(found.name, round(found.seconds * 1e6, 6)) for found in kernels] == [("Relu_7", 3.0), ("Relu_9", 0.0)]


def test_kernels_that_do_not_line_up_are_found_by_name(tmp_path: Path) -> None:
    net = Net()
    second = net.op("Sigmoid", net.op("Relu", "x"))
    workload = net.load(tmp_path, [value("x", [2])], second)
    nodes = [
        Node("relu", "Relu", "", ("x",), ("Relu0_out0",)),
        Node("sigmoid", "Sigmoid", "", ("Relu0_out0",), ("Sigmoid1_out0",)),
    ]
    profiled = [kernel("sigmoid", "Sigmoid", 5), kernel("memcpy", "Memcpy", 1), kernel("relu", "Relu", 1)]
    kernels = attributed_kernels(profiled, nodes, workload, cost=ProfilerCost(0.0, 0.0))
    assert [(found.ops, found.attribution) for found in kernels] == [
        (("1",), "exact"), ((), "none"), (("0",), "exact")
    ]  # fmt: skip


def test_the_profilers_own_time_is_what_does_not_fit_into_a_plain_run() -> None:
    two = [kernel("a", "Relu", 10), kernel("b", "Relu", 20)]
    assert profiler_cost(two, [24e-6], least=2e-6).kernel_seconds == pytest.approx(3e-6)  # (10 + 20 - 24) / 2
    assert profiler_cost(two, [29e-6], least=2e-6).kernel_seconds == 2e-6  # never less than for trivial kernels
    assert profiler_cost(two, [1e-6], least=2e-6).kernel_seconds == pytest.approx(6e-6)  # at most three times that
    assert profiler_cost(two, [], least=2e-6) == ProfilerCost(2e-6, 0.0)
    # A loop of ten kernels: (100 + 20 - 76 - 2 * 2) / 10, in the loop only
    loop = [kernel("loop", "Loop", 100, within=10), kernel("b", "Relu", 20)]
    cost = profiler_cost(loop, [76e-6], least=2e-6)
    assert (cost.kernel_seconds, cost.inner_seconds) == (2e-6, pytest.approx(4e-6))


def test_kernels_say_their_layer_type_and_layout(tmp_path: Path) -> None:
    net = Net()
    doubles = net.op("Cast", net.op("Relu", net.conv("x", 16, 32)), attributes={"to": TensorProto.DOUBLE})
    last = net.op("Cast", net.op("Sigmoid", doubles), attributes={"to": TensorProto.FLOAT})
    profile = profile_of(net.load(tmp_path, [image(16)], last))
    assert [(found.layer, found.precision, found.layout) for found in profile.executions] == [
        ("com.microsoft.nchwc:ReorderInput", "float32", "NCHWc"),
        ("com.microsoft.nchwc:Conv", "float32", "NCHWc"),
        ("com.microsoft.nchwc:ReorderOutput", "float32", "NCHW"),
        ("Cast", "float64", ""),
        ("Sigmoid", "float64", ""),
        ("Cast", "float32", ""),
    ]


def test_a_precision_is_the_models_own_or_unknown(tmp_path: Path) -> None:
    workload = convolution(tmp_path)
    inputs = make_inputs(workload)
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        assert session.precision == "float32"
    with pytest.raises(RuntimeRefused, match="onnxruntime cannot be asked to compute in bfloat16"):
        RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60, precision="bfloat16")
    net = Net()
    scale = net.constant(0.1)
    quantised = net.load(tmp_path, [image()], net.op("DequantizeLinear", net.op("QuantizeLinear", "x", scale), scale))
    with RUNTIME.open(quantised, make_inputs(quantised).arrays, threads=1, deadline_seconds=60) as session:
        assert session.precision == ""
