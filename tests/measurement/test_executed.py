"""What kernels are for: a written profile of a written network, every share from its written times."""

from dataclasses import replace
from pathlib import Path

import pytest

from attainable.measurement.executed import PURPOSES, ExecutedGraph, executed_graph
from attainable.measurement.kernel_words import computes_in_integers, purpose_of_word
from attainable.measurement.run import Run
from attainable.runtimes import Execution
from attainable.workload import Workload, load
from attainable.workload.kernel import Attribution, Kernel
from tests.transforms.nets import Net, image

RUN = Run(
    runtime="onnxruntime", version="1.31.1", threads=1, dtype="float32", samples=9, median_seconds=60e-6,
    low_seconds=59e-6, high_seconds=61e-6, minimum_seconds=58e-6, kernels=(), groups=(), attributed_share=None,
    kernels_seconds=None, profiled_seconds=66e-6, unprofiled_seconds=55e-6, profiler_seconds=1e-6, load_seconds=0.1,
    peak_rss_bytes=2**27, inputs=(), warnings=(),
)  # fmt: skip


@pytest.fixture
def network(tmp_path: Path) -> Workload:
    """Ops by id: 0 Conv, 1 Relu, 2 Q, 3 DQ, 4 DQ of weights, 5 Conv in integers, 6 and 7 Cast, 8 Transpose, 9 Softmax,
    10 Identity."""
    net = Net()
    scale, zero = net.constant(0.05), net.constant(0, "int8")
    q = net.op("QuantizeLinear", net.op("Relu", net.conv("x", 3, 4)), scale, zero)
    dequantised = net.op("DequantizeLinear", q, scale, zero)
    weights = net.op("DequantizeLinear", net.constant([[[[1]]] * 4] * 4, "int8"), scale, zero)
    half = net.op("Cast", net.op("Conv", dequantised, weights), attributes={"to": 10})
    turned = net.op("Transpose", net.op("Cast", half, attributes={"to": 1}), attributes={"perm": [0, 2, 3, 1]})
    net.op("Identity", net.op("Softmax", turned), outputs=["y"])
    return load(net.save(tmp_path, [image()], "y"))


Row = tuple[str, str, Attribution, float, str]
"""Layer, ids of ops, attribution, microseconds, precision."""

ROWS: tuple[Row, ...] = (
    ("com.microsoft.nchwc:ReorderInput", "0", "layout", 1, "float32"),
    ("com.microsoft.nchwc:Conv", "0 1", "name", 10, "float32"),
    ("com.microsoft.nchwc:ReorderOutput", "1", "layout", 1, "float32"),
    ("QuantizeLinear", "2", "exact", 2, "int8"),
    ("Elementwise", "3", "exact", 2, "float32"),
    ("Conv", "4 5", "exact", 20, "float32"),
    ("Cast", "6", "exact", 1, "float16"),
    ("Cast", "9", "region", 1, "float32"),
    ("Transpose", "8", "exact", 2, "float32"),
    ("Softmax", "9", "region", 3, "float32"),
    ("Softmax", "9", "region", 5, "float32"),
    ("MemoryData", "", "none", 2, "float32"),
)


def graph_of(rows: tuple[Row, ...], workload: Workload, run: Run = RUN, *, told: str = "") -> ExecutedGraph:
    kernels = tuple(
        Kernel(f"k{number}", layer, micro * 1e-6, tuple(ids.split()), attribution)
        for number, (layer, ids, attribution, micro, _) in enumerate(rows)
    )
    executions = tuple(Execution(layer, told, precision) for layer, *_, precision in rows)
    seconds = sum(kernel.seconds for kernel in kernels)
    return executed_graph(replace(run, kernels=kernels, executions=executions, kernels_seconds=seconds), workload)


def test_every_kernel_has_one_purpose_and_the_shares_add_up(network: Workload) -> None:
    graph = graph_of(ROWS, network)
    # Of 50 us: fused 10; split 3 + 5; layout 1 + 1; casts 1 + 1; Q and DQ 2 + 2, the latter whatever it is called;
    # the Transpose 2; 20 in float32 where the model quantises; 2 of no op.
    wanted = {
        "op": (0, 0.0), "fused": (1, 0.20), "split": (2, 0.16), "layout": (2, 0.04), "cast": (2, 0.04),
        "quantise": (2, 0.08), "copy": (1, 0.04), "fallback": (1, 0.40), "unmapped": (1, 0.04),
    }  # fmt: skip
    assert [part.name for part in graph.purposes] == list(PURPOSES)
    assert {part.name: (part.kernels, pytest.approx(part.share)) for part in graph.purposes} == wanted
    assert sum(part.share for part in graph.purposes) == pytest.approx(1)
    assert [(kernel.position, kernel.purpose) for kernel in graph.kernels if kernel.fallback] == [(5, "fallback")]


def test_what_the_model_did_not_ask_for_is_told(network: Workload) -> None:
    graph = graph_of(ROWS, network)
    # The two reorders, and the Cast that serves the Softmax; the others do what the model has.
    assert [kernel.position for kernel in graph.kernels if kernel.is_inserted] == [0, 2, 7]


def test_what_was_fused_and_what_is_in_no_kernel(network: Workload) -> None:
    graph = graph_of(ROWS, network)
    assert graph.fused_ops == 4  # 0 and 1, 4 and 5
    assert [(part.name, part.kernels) for part in graph.patterns] == [("Conv+Q/DQ", 1), ("Conv+Relu", 1)]
    # op 7, the Cast back, and op 10
    assert [(op.id, op.kind) for op in graph.absent] == [("7", "Cast"), ("10", "Identity")]


def test_times_are_told_against_whole_runs(network: Workload) -> None:
    graph = graph_of(ROWS, network)
    assert graph.whole_seconds == 55e-6
    assert graph.together_share == pytest.approx(50 / 55)
    assert graph.profiler_share == pytest.approx(66 / 55 - 1)
    assert graph.unmapped_share == pytest.approx(2 / 50)
    assert [(part.name, pytest.approx(part.seconds)) for part in graph.precisions] == [
        ("float32", 47e-6), ("int8", 2e-6), ("float16", 1e-6),
    ]  # fmt: skip
    alone = graph_of(ROWS, network, replace(RUN, unprofiled_seconds=None))
    assert (alone.whole_seconds, alone.profiler_share) == (60e-6, None)


def test_a_quantised_kernel_with_a_real_result_is_no_fallback(network: Workload) -> None:
    rows: tuple[Row, ...] = (("com.microsoft:QLinearConv", "4 5", "exact", 1, "float32"),)
    assert graph_of(rows, network).kernels[0].purpose == "fused"


@pytest.mark.parametrize(
    ("ran", "kernel", "fallback"),
    [
        ("bfloat16", "float32", "precision"),
        ("bfloat16", "bfloat16", ""),
        ("float32", "float64", "precision"),
        ("float32", "float16", ""),  # narrower: quicker, and correctness judges it
        ("int8", "float32", ""),  # the model has it in real numbers
        ("bfloat16", "int64", ""),
        ("bfloat16", "", ""),
        ("", "float64", "precision"),  # against the model's own type, float32
    ],
)
def test_a_kernel_in_a_wider_type_than_the_run_is_a_fallback(
    network: Workload, ran: str, kernel: str, fallback: str
) -> None:
    graph = graph_of((("Softmax", "9", "exact", 1, kernel),), network, replace(RUN, precision=ran))
    assert graph.kernels[0].fallback == fallback


@pytest.mark.parametrize(
    ("runtime", "implementation", "fallback"),
    [
        ("openvino", "ref_any_f32", "reference"),
        ("openvino", "ref", "reference"),
        ("openvino", "reorder_f32", ""),
        ("openvino", "jit_avx2_f32", ""),
        ("openvino", "unknown_f32", ""),
        # PyTorch's name for a product of matrices after im2col, which it takes for what oneDNN does not
        ("torch", "aten::_slow_conv2d_forward", ""),
        ("mnn", "ref_any_f32", ""),
    ],
)
def test_reference_code_is_a_fallback(network: Workload, runtime: str, implementation: str, fallback: str) -> None:
    rows: tuple[Row, ...] = (("CumSum", "9", "exact", 1, "float32"),)
    graph = graph_of(rows, network, replace(RUN, runtime=runtime), told=implementation)
    assert graph.kernels[0].fallback == fallback


def provided(network: Workload, runtime: str, *implementations: str) -> list[str]:
    kernels = tuple(Kernel("k", "Conv", 1e-6 * (9 - n), ("0",), "exact") for n in range(len(implementations)))
    executions = tuple(Execution("Conv", implementation) for implementation in implementations)
    run = replace(RUN, runtime=runtime, kernels=kernels, executions=executions)
    return [kernel.fallback for kernel in executed_graph(run, network).kernels]


def test_a_kernel_of_another_provider_is_a_fallback(network: Workload) -> None:
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    # The processor took longer, yet it is what the network fell back to.
    assert provided(network, "onnxruntime-cuda", cpu, cuda, cpu) == ["provider", "", "provider"]
    assert provided(network, "onnxruntime", cpu, cpu) == ["", ""]
    assert provided(network, "onnxruntime", cpu, "") == ["", ""]  # inside a body nobody is named
    assert provided(network, "litert", "XNNPACK IGEMM", "") == ["", "provider"]
    assert provided(network, "litert", "", "") == ["", ""]  # XNNPACK was turned off as a whole


@pytest.mark.parametrize(
    ("runtime", "word", "name", "is_layout", "purpose"),
    [
        ("openvino", "Reorder", "@0_abcd_acdb_Multiply_12534", True, "layout"),
        ("openvino", "Reorder", "@44_f32_i32_@45", True, "cast"),
        ("openvino", "Reorder", "@1_f32_acdb_bf16_abcd_@2", True, "cast"),
        ("openvino", "Reorder", "a node of the user's_f32_i32_", False, "layout"),
        ("openvino", "Convert", "", False, "cast"),
        ("onnxruntime", "com.microsoft.nchwc:ReorderInput", "", False, "layout"),
        ("onnxruntime", "Transpose", "", True, "layout"),  # put in for NHWC kernels
        ("onnxruntime", "Transpose", "", False, "copy"),
        ("onnxruntime-cuda", "MemcpyToHost", "", False, "copy"),
        ("mnn", "Raster", "", True, "layout"),
        ("mnn", "Raster", "", False, "copy"),
        ("mnn", "Int8ToFloat", "", False, "quantise"),
        ("ncnn", "Split", "", True, "copy"),  # hands a blob to several readers
        ("ncnn", "Packing", "", True, "layout"),
        ("litert", "RESHAPE+TRANSPOSE", "", False, "copy"),
        ("litert", "TRANSPOSE+CONV_2D", "", False, ""),
        ("unheard of", "Conv", "", False, ""),
    ],
)
def test_words_of_runtimes(runtime: str, word: str, name: str, is_layout: bool, purpose: str) -> None:
    assert purpose_of_word(runtime, word, name, is_layout=is_layout) == purpose


def test_endless_names_take_no_time() -> None:
    # Both patterns would look at every pair of places in them.
    assert purpose_of_word("openvino", "Reorder", "@1" + "_f32" * 10**6, is_layout=True) == "layout"


def test_words_of_integer_kernels() -> None:
    assert computes_in_integers("com.microsoft:DynamicQuantizeMatMul")
    assert not computes_in_integers("QuantizeLinear")
