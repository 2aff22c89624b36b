"""OpenVINO in a real worker, where it is installed: names, precisions, and whole networks against the reference."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from attainable.errors import RuntimeRefused
from attainable.measurement.attribution import attributed_share, groups
from attainable.measurement.inputs import Inputs, make_inputs
from attainable.runtimes import Profile
from attainable.runtimes.agreement import Agreement, agreements
from attainable.runtimes.onnxruntime import RUNTIME as REFERENCE
from attainable.runtimes.openvino import RUNTIME, OpenvinoSession
from attainable.testing.conformance import why_not_installed
from attainable.workload import Workload, load
from attainable.zoo import write
from tests.models import constant, model, save, value
from tests.runtimes.nets import Net, image, ops_of

HEAVY = ("Conv", "MatMul", "Gemm")
DEADLINE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def installed() -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)


def opened(workload: Workload, inputs: Inputs) -> OpenvinoSession:
    return RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=DEADLINE_SECONDS)


def agreement(workload: Workload) -> tuple[Agreement, ...]:
    inputs = make_inputs(workload)
    with REFERENCE.open(workload, inputs.arrays, threads=1, deadline_seconds=DEADLINE_SECONDS) as reference:
        wanted = reference.compute(inputs.arrays, deadline_seconds=DEADLINE_SECONDS)
    with opened(workload, inputs) as session:
        return agreements(wanted, session.compute(inputs.arrays, deadline_seconds=DEADLINE_SECONDS))


def profile_of(workload: Workload) -> Profile:
    inputs = make_inputs(workload)
    with opened(workload, inputs) as session:
        return session.profile(runs=5, deadline_seconds=DEADLINE_SECONDS)


def kernel_ops(workload: Workload) -> list[tuple[list[str], str]]:
    return [(ops_of(workload, kernel), kernel.attribution) for kernel in profile_of(workload).kernels]


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0"])
def test_a_network_of_the_zoo(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    workload = load(path)
    for found in agreement(workload):
        assert found.is_within(RUNTIME.tolerances["float32"]), found
        assert found.same_top == 1.0
    profile = profile_of(workload)
    kernels = profile.kernels
    assert attributed_share(kernels) >= 0.95
    assert profile.layout_share < 0.2
    # every op has its kernels, a contraction exactly one, and no kernel two
    assert {op for kernel in kernels for op in kernel.ops} == {op.id for op in workload.ops}
    computing = [kernel for kernel in kernels if kernel.attribution != "layout"]
    for op in workload.ops:
        if op.kind in HEAVY:
            assert sum(op.id in kernel.ops for kernel in computing) == 1, op
    for kernel in computing:
        assert sum(kind in HEAVY for kind in ops_of(workload, kernel)) <= 1, kernel
    assert max(len(group.ops) for group in groups(kernels)) <= 12
    assert {execution.precision for execution in profile.executions} == {"float32"}


def test_the_precision_that_runs_is_said_not_the_one_asked_for(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image(16, 32)], net.op("Relu", net.conv("x", 16, 32)))
    inputs = make_inputs(workload)
    with opened(workload, inputs) as session:
        assert session.precision == "float32"
    for asked in RUNTIME.precisions:
        with RUNTIME.open(
            workload, inputs.arrays, threads=1, deadline_seconds=DEADLINE_SECONDS, precision=asked
        ) as session:
            # a processor without instructions for it computes in float32, whatever the setting says
            assert session.precision in (asked, "float32")
            (execution,) = (
                found
                for found in session.profile(runs=3, deadline_seconds=DEADLINE_SECONDS).executions
                if found.layer == "Convolution"
            )
            assert execution.precision == session.precision


def test_a_quantised_network_says_that_it_runs_in_integers(tmp_path: Path) -> None:
    net = Net()
    scale, zero = net.constant(0.05), net.constant(128, "uint8")
    quantised = net.op("DequantizeLinear", net.op("QuantizeLinear", "x", scale, zero), scale, zero)
    numbers = np.random.default_rng(0).integers(-20, 20, (16, 16, 3, 3))
    weight = net.op("DequantizeLinear", net.constant(numbers, "int8"), net.constant(0.02), net.constant(0, "int8"))
    workload = net.load(tmp_path, [image(16)], net.op("Conv", quantised, weight))
    with opened(workload, make_inputs(workload)) as session:
        assert session.precision in ("int8", "uint8")


def test_hostile_names_are_told_apart(tmp_path: Path) -> None:
    net = Net()
    last = net.op("Relu", net.conv(net.op("Relu", net.conv("x", 3, 16)), 16, 16))
    # names that we give ourselves, lists of them, and what a terminal obeys
    for node, name in zip(net.nodes, ("@1", "@0,@5", "Multiply_1", "\x1b[31m"), strict=True):
        node.name = name
    net.nodes[0].output[0] = net.nodes[1].input[0] = "@3,@2"
    net.nodes[1].output[0] = net.nodes[2].input[0] = "\n\x1b[31mx"
    workload = net.load(tmp_path, [image()], last)
    assert [ops for ops, attribution in kernel_ops(workload) if attribution != "layout"] == [["Conv", "Relu"]] * 2


def test_control_flow_and_recurrent_layers_are_one_kernel_each(tmp_path: Path) -> None:
    net = Net()
    weights = net.weight(1, 128, 16), net.weight(1, 128, 32)
    net.nodes.append(helper.make_node("LSTM", ["x", *weights], ["y"], "lstm", hidden_size=32))
    lstm = load(save(model(net.nodes, [value("x", [10, 1, 16])], ["y"], net.constants), tmp_path))
    assert ["LSTM"] in [ops for ops, _ in kernel_ops(lstm)]
    assert all(found.is_within(RUNTIME.tolerances["float32"]) for found in agreement(lstm))

    body = helper.make_graph(
        [helper.make_node("Tanh", ["state"], ["next"]), helper.make_node("Identity", ["condition"], ["go_on"])],
        "body",
        [
            value("iteration", [], TensorProto.INT64),
            value("condition", [], TensorProto.BOOL),
            value("state", [1, 64]),
        ],
        [value("go_on", [], TensorProto.BOOL), value("next", [1, 64])],
    )
    net = Net()
    net.nodes.append(helper.make_node("Loop", [net.constant(5, "int64"), "", "x"], ["looped"], "loop", body=body))
    loop = load(save(model(net.nodes, [value("x", [1, 64])], ["looped"], net.constants), tmp_path, "loop.onnx"))
    assert ["Loop"] in [ops for ops, _ in kernel_ops(loop)]


def test_results_may_have_another_size_each_time(tmp_path: Path) -> None:
    net = Net()
    last = net.op("Cast", net.op("NonZero", net.op("Relu", "x")), attributes={"to": TensorProto.FLOAT})
    assert all(
        found.is_within(RUNTIME.tolerances["float32"])
        for found in agreement(net.load(tmp_path, [value("x", [100])], last))
    )


def test_types_that_numpy_lacks_travel_by_their_bits(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)
    proto = model([cast], [value("x", [8], TensorProto.BFLOAT16)], ["y"])
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.BFLOAT16
    workload = load(save(proto, tmp_path))
    inputs = make_inputs(workload)
    with opened(workload, inputs) as session:
        outputs = session.compute(inputs.arrays, deadline_seconds=DEADLINE_SECONDS)
    assert outputs["y"].dtype == np.uint16
    assert np.array_equal(outputs["y"], inputs.arrays["x"])


def test_weights_in_another_file_are_found_beside_the_model(tmp_path: Path) -> None:
    proto = model([helper.make_node("Gemm", ["x", "w"], ["y"])], [value("x", [4, 64])], ["y"], [constant("w", 64, 64)])
    weight = proto.graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    workload = load(save(proto, tmp_path))
    assert all(found.is_within(RUNTIME.tolerances["float32"]) for found in agreement(workload))
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(RuntimeRefused, match=r"weights\.bin"):
        opened(workload, make_inputs(workload))


def test_loading_says_its_stages(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.conv("x", 3, 16))
    with opened(workload, make_inputs(workload)) as session:
        stages = session.load_stages(deadline_seconds=DEADLINE_SECONDS)
        assert sum(stages.values()) == pytest.approx(session.load_seconds)
