"""The ncnn reader on small networks: counts by hand, shapes, int8, heads, and what it refuses."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.errors import AttainableError, ModelFileError, ModelGraphError, UnboundDimensions
from attainable.workload import load
from attainable.workload.graph import Workload
from attainable.workload.ncnn.layers import LAYERS
from tests.workload.described import counted

INPUT = "Input data 0 1 data 0=16 1=8 2=3"


def param(folder: Path, *layers: str, header: str | None = None) -> Path:
    """A file with these layers."""
    path = folder / "small.param"
    path.write_text("\n".join(["7767517", header or f"{len(layers)} {len(layers)}", *layers, ""]))
    return path


def kinds(workload: Workload) -> list[str]:
    """The operators in their order."""
    return [op.type for op in workload.ops]


def test_a_convolution_with_its_activation(tmp_path: Path) -> None:
    path = param(tmp_path, INPUT, "Convolution conv 1 1 data out 0=4 1=3 3=2 4=1 5=1 6=108 9=3 -23310=2,0.0,6.0")
    result = counted(path)
    assert kinds(result.workload) == ["Conv", "Clip"]
    assert result.workload.outputs[0].name == "out"
    assert result.workload.outputs[0].dims == (1, 4, 4, 8)
    assert result.totals.macs == 4 * 8 * 4 * 27  # outputs x filters x 3 channels x 3 x 3
    assert result.totals.operations == 2 * 3456 + 2 * 128  # two bounds for each of 128 outputs
    assert result.totals.parameters == 108 + 4
    assert result.workload.provenance.format == "ncnn"


def test_an_int8_convolution_has_the_macs_of_the_float_one(tmp_path: Path) -> None:
    layers = [
        "Convolution a 1 1 data a 0=4 1=1 5=1 6=12 {} 9=1",
        "ConvolutionDepthWise b 1 1 a b 0=4 1=3 4=1 5=1 6=36 7=4 {}",
        "InnerProduct c 1 1 b c 0=5 1=1 2=2560 {}",
    ]
    plain = counted(param(tmp_path, INPUT, *(layer.format("") for layer in layers)))
    small = counted(param(tmp_path, INPUT, *(layer.format("8=102") for layer in layers)))
    assert small.totals.macs == plain.totals.macs == 128 * (12 + 36) + 5 * 512
    assert small.totals.parameters == plain.totals.parameters
    rows = {(engine, dtype) for engine, dtype, _ in small.totals.work.operations}
    assert ("matrix", "int8") in rows
    assert ("matrix", "float32") not in rows
    # a layer that gives int8 spares the next one the rounding: one before the first layer, one after each
    assert kinds(small.workload).count("QuantizeLinear") == 4


@pytest.mark.parametrize(
    ("parameters", "extents"),
    [
        ("1=3 2=2", (4, 8)),  # full: (8 - 3) / 2 + 1 rounded up, (16 - 3) / 2 + 1 rounded up
        ("1=3 2=2 5=1", (3, 7)),  # valid
        ("1=3 2=2 5=2", (4, 8)),  # same
        ("1=2 2=2 14=1 15=1 5=1", (4, 8)),  # one more behind: (8 + 1 - 2) // 2 + 1
        ("0=1 7=1 8=4 18=2", (2, 4)),  # adaptive
    ],
)
def test_pooling_modes(tmp_path: Path, parameters: str, extents: tuple[int, int]) -> None:
    workload = load(param(tmp_path, INPUT, f"Pooling pool 1 1 data out {parameters}"))
    assert workload.outputs[0].dims == (1, 3, *extents)


def test_a_global_pool_gives_a_row_that_scales_channels(tmp_path: Path) -> None:
    path = param(
        tmp_path,
        INPUT,
        "Split split 1 2 data a b",
        "Pooling pool 1 1 a p 0=1 4=1",
        "InnerProduct gate 1 1 p g 0=3 1=1 2=9 9=4",
        "BinaryOp scale 2 1 b g out 0=2",
    )
    result = counted(path)
    assert kinds(result.workload) == ["GlobalAveragePool", "Flatten", "Gemm", "Sigmoid", "Reshape", "Mul"]
    assert result.workload.ops[4].output.dims == (1, 3, 1, 1)
    assert result.totals.operations == 384 + 2 * 9 + 3 + 384


def test_slices_share_what_is_left(tmp_path: Path) -> None:
    conv = "Convolution conv 1 1 data c 0=10 1=1 6=30"
    workload = load(param(tmp_path, INPUT, conv, "Slice cut 1 3 c x y z -23300=3,3,-233,-233"))
    assert [tensor.dims[1] for tensor in workload.outputs] == [3, 3, 4]


def test_attention_spelled_out(tmp_path: Path) -> None:
    path = param(tmp_path, "Input tokens 0 1 tokens 0=8 1=5", "MultiHeadAttention mha 1 1 tokens out 0=8 1=2 2=64")
    result = counted(path)
    assert result.workload.outputs[0].dims == (1, 5, 8)
    # four projections of 5 x 8 x 8, and for each of 2 heads 5 x 5 x 4 twice
    assert result.totals.macs == 4 * 320 + 2 * 2 * 100
    assert result.totals.parameters == 4 * (64 + 8)


def test_shapes_follow_the_axes_of_blobs(tmp_path: Path) -> None:
    path = param(
        tmp_path,
        INPUT,
        "Permute turn 1 1 data t 0=3",
        "Reshape rows 1 1 t r 0=3 1=-1",
        "MemoryData more 0 1 m 0=3 1=2",
        "Concat join 2 1 m r j 0=0",
        "Softmax share 1 1 j s 0=1 1=1",
        "Crop first 1 1 s out -23309=1,0 -23310=1,1 -23311=1,0",
    )
    workload = load(path)
    dims = {op.kind: op.output.dims for op in workload.ops}
    assert dims["Transpose"] == (1, 8, 16, 3)  # channels last
    assert dims["Concat"] == (1, 2 + 128, 3)
    assert workload.outputs[0].dims == (1, 1, 3)
    assert load(path, batch=4).outputs[0].dims == (4, 1, 3)


def test_an_input_without_a_size_asks_for_it(tmp_path: Path) -> None:
    path = param(tmp_path, "Input in0 0 1 in0", "ReLU relu 1 1 in0 out")
    with pytest.raises(UnboundDimensions, match=r"complete: --shape in0=\?x\?"):
        load(path)
    assert load(path, {"in0": (1, 3, 20, 30)}).outputs[0].dims == (1, 3, 20, 30)
    known = param(tmp_path, "Input in0 0 1 in0 0=-1 1=-1 2=3", "ReLU relu 1 1 in0 out")
    with pytest.raises(UnboundDimensions, match=r"complete: --shape in0=\?x3x\?x\?"):
        load(known)


def test_heads_make_the_totals_at_least(tmp_path: Path) -> None:
    path = param(
        tmp_path,
        INPUT,
        "Split split 1 3 data a b c",
        "PriorBox boxes 2 1 a b boxes -23300=1,60 -23301=1,90 -23302=1,2.0",
        "Flatten flat 1 1 c flat",
        "DetectionOutput found 3 1 flat flat boxes out",
    )
    result = counted(path)
    assert kinds(result.workload) == ["ncnn:PriorBox", "Flatten", "ncnn:DetectionOutput"]
    assert result.totals.at_least
    assert result.coverage.kinds_without_rule == ("ncnn:DetectionOutput",)
    # 1 size, 1 larger one, and the ratio 2 both ways: 4 boxes of 4 numbers around 128 pixels, twice (variances)
    assert result.ops[0].op.output.dims == (1, 2, 4 * 4 * 128)
    assert result.ops[0].work.bytes_moved == 4 * 2 * 4 * 4 * 128


def test_what_a_noop_reads_is_an_output(tmp_path: Path) -> None:
    workload = load(param(tmp_path, INPUT, "ReLU relu 1 1 data a", "Sigmoid s 1 1 a b", "Noop end 2 1 a b out"))
    assert [tensor.name for tensor in workload.outputs] == ["a", "b"]


def test_a_blob_under_many_names_is_put_out_once(tmp_path: Path) -> None:
    names = [f"c{index}" for index in range(5000)]
    workload = load(param(tmp_path, INPUT, f"Split many 1 5000 data {' '.join(names)}"))
    assert kinds(workload) == ["Identity"]
    assert [tensor.name for tensor in workload.outputs] == ["c0"]


def test_hostile_names_stay_apart(tmp_path: Path) -> None:
    """Names of layers repeat and look like the names that the writer makes."""
    path = param(
        tmp_path,
        INPUT,
        "ReLU x 1 1 data x.output",
        "ReLU x 1 1 x.output x.output#2",
        "Sigmoid x.output 1 1 x.output#2 data.weight",
    )
    workload = load(path)
    assert kinds(workload) == ["Relu", "Relu", "Sigmoid"]
    assert len({op.output.name for op in workload.ops}) == 3


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Magic m 1 1 data out", "this layer is not known: Magic m @ line 4"),
        ("Convolution c 1 1 data out 0=4 1=3 6=107", "it says 107 weights, its shapes need 108"),
        ("Convolution c 1 1 data out 0=4 1=0 6=108", "kernel, stride and dilation must be 1 or more"),
        ("ConvolutionDepthWise c 1 1 data out 0=4 1=1 6=12 7=0", "0 groups divide"),
        ("Convolution c 1 1 data out 0=4 1=1 6=12 9=40", "the activation 40 is not known"),
        ("InnerProduct c 1 1 data out 0=0", "it has 0 outputs"),
        ("ReLU r 1 1 gone out", "reads 'gone', which no layer before it makes"),
        ("ReLU r 1 1 data data", "makes 'data', which a layer before it makes already"),
        ("ReLU r 0 1 out", "it lacks an input or an output"),
        ("Split s 1 2 data a", "names fewer blobs"),
        ("Slice s 1 2 data a b -23300=2,9,-233", "takes 0 to 9 of 3"),
        ("Reshape r 1 1 data out 0=-1 1=-1", "cannot reshape to"),
        ("Permute p 1 1 data out 0=77", "the order 77 of 3 axes is not known"),
        ("Concat c 1 1 data out 0=5", "axis 5 of a blob with 3 axes"),
        ("ReLU r 1 1 data out -5=1", "'-5=1' is no parameter from 0 to 31"),
        ("ReLU r 1 1 data out 99999999999=1", "is not a number of at most 32 bits"),
        ("ReLU r 1 1 data out 0=1e99", "'1e99' is not a number of at most 32 bits"),
        ("ReLU r 1 1 data out -23300=9,1", "does not have the length that it says"),
        ("ReLU r -1 1 data out", "names fewer blobs than -1 inputs"),
        ("ReLU r 1000000000 1 data out", "names fewer blobs than 1000000000 inputs"),
        ("ReLU", "is no layer: 'ReLU'"),
    ],
)
def test_lines_that_cannot_be(tmp_path: Path, layer: str, message: str) -> None:
    with pytest.raises((ModelGraphError, ModelFileError)) as caught:
        load(param(tmp_path, INPUT, layer))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("1000000000 2", "says 1000000000 layers; 1 to 10000 are read"),
        ("-1 2", "says -1 layers"),
        ("two two", "'two' is not a number"),
        ("2", "does not say how many layers and blobs follow"),
        ("3 3", "says 3 layers and has 2"),
        ("1 1", "has more layers than the 1 that line 2 says"),
    ],
)
def test_headers_that_cannot_be(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        load(param(tmp_path, INPUT, "ReLU relu 1 1 data out", header=header))
    assert message in str(caught.value)


def test_a_file_without_the_magic_number(tmp_path: Path) -> None:
    path = tmp_path / "small.param"
    path.write_text("767517\n2 2\n")
    with pytest.raises(ModelFileError, match="its first line is not 7767517"):
        load(path)


VALUES = "-1 0 1 2 3 4 5 9 -233 -234 64 65536 2147483647 -2147483648 1e9 0.5 -3.5"
NUMBERS = st.sampled_from(VALUES.split())
PARAMETERS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 19), NUMBERS).map(lambda pair: f"{pair[0]}={pair[1]}"),
        st.tuples(st.integers(0, 11), st.lists(NUMBERS, max_size=4)).map(
            lambda pair: f"{-23300 - pair[0]}={','.join([str(len(pair[1])), *pair[1]])}"
        ),
    ),
    max_size=6,
)
KINDS = st.sampled_from(sorted(LAYERS))


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(KINDS, PARAMETERS), max_size=4), st.sampled_from(["0=16 1=8 2=3", "0=3 1=4", "0=5"]))
def test_any_layers_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, layers: list[tuple[str, list[str]]], extents: str
) -> None:
    """A Workload or a typed error, nothing else."""
    lines = [
        f"{kind} l{index} {int(kind != 'MemoryData')} 1 {f'b{index}' if kind != 'MemoryData' else ''} b{index + 1} "
        + " ".join(parameters)
        for index, (kind, parameters) in enumerate(layers)
    ]
    path = param(tmp_path_factory.getbasetemp(), f"Input in 0 1 b0 {extents}", *lines)
    try:
        counted(path)
    except AttainableError:
        return
