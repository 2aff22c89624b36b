"""The darknet reader on small networks: counts by hand, shapes, defaults, and what it refuses."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.errors import AttainableError, InvalidQuantity, ModelFileError, ModelGraphError, UnboundDimensions
from attainable.workload import load
from attainable.workload.darknet.layers import LAYERS
from attainable.workload.graph import Workload
from tests.workload.described import counted

NET = "[net]\nwidth=16\nheight=8\nchannels=3\nbatch=64\n"


def cfg(folder: Path, sections: str, *, net: str = NET) -> Path:
    """A file with these sections."""
    path = folder / "small.cfg"
    path.write_text(net + sections)
    return path


def kinds(workload: Workload) -> list[str]:
    """The operators in their order."""
    return [op.kind for op in workload.ops]


def test_a_convolution_with_batch_normalisation(tmp_path: Path) -> None:
    path = cfg(
        tmp_path,
        "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=leaky\n",
    )
    result = counted(path)
    assert kinds(result.workload) == ["Conv", "BatchNormalization", "LeakyRelu"]
    assert result.workload.outputs[0].dims == (1, 4, 4, 8)
    # 4 x 8 outputs x 4 filters x 3 channels x 3 x 3
    assert result.totals.macs == 4 * 8 * 4 * 27 == 3456
    # 2 x MACs; 4 per element and 2 per channel; 2 per element, of 128 elements
    assert result.totals.operations == 2 * 3456 + (4 * 128 + 2 * 4) + 2 * 128
    # weights, scale and bias; running mean and variance are buffers
    assert result.totals.parameters == 4 * 27 + 2 * 4
    assert result.totals.buffer_bytes == 2 * 4 * 4
    assert result.workload.provenance.format == "darknet"
    assert result.workload.notes == ("batch dimension 'batch' set to 1; choose another with --batch or --shape",)


def test_a_convolution_without_normalisation_has_a_bias(tmp_path: Path) -> None:
    result = counted(cfg(tmp_path, "[convolutional]\nfilters=6\nsize=1\nstride=1\ngroups=3\nactivation=linear\n"))
    assert kinds(result.workload) == ["Conv"]
    assert result.totals.parameters == 6 * 1 + 6  # one input channel in each of 3 groups
    assert result.totals.macs == 8 * 16 * 6


@pytest.mark.parametrize(
    ("options", "extents"),
    [
        ("size=2\nstride=2", (4, 8)),  # padding is size - 1 = 1: (8 + 1 - 2) // 2 + 1
        ("size=2\nstride=1", (8, 16)),  # (8 + 1 - 2) // 1 + 1
        ("size=3\nstride=2\npadding=0", (3, 7)),  # (8 - 3) // 2 + 1, (16 - 3) // 2 + 1
        ("size=5\nstride=1", (8, 16)),  # two on each side
    ],
)
def test_max_pooling_pads_like_darknet(tmp_path: Path, options: str, extents: tuple[int, int]) -> None:
    workload = load(cfg(tmp_path, f"[maxpool]\n{options}\n"))
    assert workload.outputs[0].dims == (1, 3, *extents)


def test_routes_join_and_take_groups(tmp_path: Path) -> None:
    conv = "[convolutional]\nfilters=8\nsize=1\nactivation=linear\n"
    path = cfg(tmp_path, f"{conv}[route]\nlayers=-1\ngroups=2\ngroup_id=1\n{conv}[route]\nlayers=-1,0,-2\n")
    workload = load(path)
    assert kinds(workload) == ["Conv", "Slice", "Conv", "Concat"]
    half, joined = workload.ops[1].output, workload.ops[3].output
    assert half.dims == (1, 4, 8, 16)
    assert joined.dims == (1, 8 + 8 + 4, 8, 16)
    assert [tensor.name for tensor in workload.ops[3].present_inputs] == [
        workload.ops[2].output.name,
        workload.ops[0].output.name,
        half.name,
    ]


def test_a_shortcut_adds_the_channels_that_both_have(tmp_path: Path) -> None:
    narrow = "[convolutional]\nfilters=4\nsize=1\nactivation=linear\n"
    wide = narrow.replace("4", "6")
    workload = load(cfg(tmp_path, f"{narrow}{wide}[shortcut]\nfrom=-2\nactivation=relu\n"))
    assert kinds(workload) == ["Conv", "Conv", "Slice", "Slice", "Add", "Concat", "Relu"]
    assert workload.ops[4].output.dims == (1, 4, 8, 16)
    assert workload.outputs[0].dims == (1, 6, 8, 16)
    workload = load(cfg(tmp_path, f"{wide}{narrow}[shortcut]\nfrom=0\nactivation=linear\n"))
    assert kinds(workload) == ["Conv", "Conv", "Slice", "Add"]


def test_a_shortcut_from_a_larger_image_skips_rows_and_columns(tmp_path: Path) -> None:
    conv = "[convolutional]\nfilters=4\nsize=1\nstride={}\nactivation=linear\n"
    workload = load(cfg(tmp_path, f"{conv.format(1)}{conv.format(2)}[shortcut]\nfrom=-2\n"))
    assert kinds(workload) == ["Conv", "Conv", "Slice", "Add"]
    assert workload.ops[2].output.dims == (1, 4, 4, 8)


def test_squeeze_and_excitation_scales_channels(tmp_path: Path) -> None:
    excite = "[convolutional]\nfilters=3\nsize=1\nactivation=logistic\n"
    result = counted(cfg(tmp_path, f"[dropout]\n[avgpool]\n{excite}[scale_channels]\nfrom=0\n"))
    assert kinds(result.workload) == ["GlobalAveragePool", "Conv", "Sigmoid", "Mul"]
    # the dropped-out input, 384 elements averaged, 2 x 9 products, 3 sigmoids, 384 products
    assert result.totals.operations == 384 + 18 + 3 + 384


def test_heads_are_outputs_and_are_not_decoded(tmp_path: Path) -> None:
    conv = "[convolutional]\nfilters=255\nsize=1\nactivation=linear\n"
    workload = load(cfg(tmp_path, f"{conv}[yolo]\nmask=0\n[upsample]\nstride=2\n{conv}[yolo]\n"))
    assert kinds(workload) == ["Conv", "Resize", "Conv"]
    assert [tensor.dims for tensor in workload.outputs] == [(1, 255, 8, 16), (1, 255, 16, 32)]
    assert [tensor.name for tensor in workload.outputs] == ["1.yolo", "4.yolo"]


def test_a_classifier_ends_in_softmax(tmp_path: Path) -> None:
    result = counted(
        cfg(
            tmp_path,
            "[crop]\ncrop_height=4\ncrop_width=4\n[connected]\noutput=10\nactivation=tanh\n[softmax]\n[cost]\n",
        )
    )
    assert kinds(result.workload) == ["Slice", "Slice", "Mul", "Add", "Flatten", "Gemm", "Tanh", "Softmax"]
    assert result.workload.ops[4].output.dims == (1, 48)
    assert result.totals.macs == 480
    # 48 products and 48 sums widen the range to [-1, 1]; softmax is 5 x 10 - 2
    assert result.totals.operations == 96 + 960 + 10 + 48


def test_the_input_can_have_another_shape_and_batch(tmp_path: Path) -> None:
    path = cfg(tmp_path, "[convolutional]\nfilters=2\nsize=3\npad=1\nactivation=linear\n")
    once = counted(path).totals
    many = counted(path, batch=5)
    assert many.totals.macs == 5 * once.macs
    assert many.workload.bindings == (("batch", 5),)
    larger = counted(path, {"input": (1, 3, 16, 32)})
    assert larger.totals.macs == 4 * once.macs
    assert larger.workload.bindings == (("input", (1, 3, 16, 32)),)
    with pytest.raises(InvalidQuantity, match="the file fixes this axis at 3, not 4"):
        load(path, {"input": (1, 4, 8, 16)})


def test_a_file_without_a_size_asks_for_it(tmp_path: Path) -> None:
    path = cfg(tmp_path, "[avgpool]\n", net="[net]\nchannels=3\n")
    with pytest.raises(UnboundDimensions) as caught:
        load(path)
    assert "complete: --shape input=?x3x?x?" in str(caught.value)
    assert load(path, {"input": (2, 3, 5, 7)}).outputs[0].dims == (2, 3, 1, 1)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ("[lstm]\noutput=3\n", "this layer is not known: [lstm], layer 0 @ line 6"),
        ("[convolutional]\nfilters=4\ngroups=2\n", "2 groups divide 3 and 4 channels with a rest"),
        ("[convolutional]\nfilters=4\nstride=0\n", "kernel, stride and dilation must be 1 or more"),
        ("[convolutional]\nfilters=-4\n", "has the impossible shape [-4, 3, 1, 1]"),
        ("[convolutional]\nsize=9\n", "its output has the impossible shape"),
        ("[convolutional]\nsize=99999999\n", "exceeds 65536"),
        ("[convolutional]\nfilters=1e300\n", "filters=1e300 is not a number of at most 32 bits"),
        ("[convolutional]\nfilters=nan\n", "filters=nan is not a number"),
        ("[convolutional]\nfilters=2.5\n", "filters=2.5 is not a whole number"),
        ("[convolutional]\nactivation=magic\n", "the activation 'magic' is not known"),
        ("[convolutional]\nxnor=1\n", "xnor is not read"),
        ("[avgpool]\n[route]\nlayers=-1.5\n", "layers=-1.5 is not a whole number"),
        ("[route]\nlayers=-1\n", "names layer -1, which does not come before it"),
        ("[avgpool]\n[route]\nlayers=7\n", "names layer 7"),
        ("[avgpool]\n[route]\n", "layers= is missing"),
        ("[avgpool]\n[avgpool]\n[sam]\nfrom=-1,-2\n", "from= names 2 layers, not one"),
        ("[avgpool]\n[shortcut]\nfrom=0\nweights_type=per_feature\n", "weights_type is not read"),
        ("[avgpool]\n[upsample]\nstride=4000000\n", "only a stride of 1 or more"),
        ("[maxpool]\nsize=2\nstride=2\n[convolutional]\n[route]\nlayers=0,1\n[shortcut]\nfrom=-9\n", "names layer -9"),
    ],
)
def test_layers_that_cannot_be(tmp_path: Path, sections: str, message: str) -> None:
    with pytest.raises(ModelGraphError) as caught:
        load(cfg(tmp_path, sections))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"layers: 3\nname: x\n", "neither [section] nor key=value: 'layers: 3' @ line 1"),
        (b"[convolutional]\nfilters=3\n", "does not begin with the section [net]"),
        (b"[net]\n" + b"[dropout]\n" * 10_001, "has more than 10000 sections"),
        (b"\x93\xff\x00\x01 binary", "is not a text file"),
        (b"#" * (8 * 2**20 + 1), "has 8388609 bytes, a network description at most 8388608"),
    ],
    ids=["text", "no net", "many", "binary", "large"],
)
def test_files_that_are_no_darknet_network(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "small.cfg"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert message in str(caught.value)


def test_a_network_without_layers(tmp_path: Path) -> None:
    with pytest.raises(AttainableError, match="has no layers"):
        load(cfg(tmp_path, ""))


VALUES = """
-1 0 1 2 3 7 -2 -9 64 65536 99999999 2147483647 -2147483648 1e9 0.5 nan inf leaky mish swish linear -1,-2 0,1
"""
OPTIONS = """
filters size stride pad padding groups group_id layers from activation batch_normalize output dilation crop_height
crop_width noadjust
"""
SECTIONS = st.lists(
    st.tuples(
        st.sampled_from(sorted(LAYERS)),
        st.dictionaries(
            st.sampled_from(OPTIONS.split()),
            st.sampled_from(VALUES.split()),
            max_size=5,
        ),
    ),
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(SECTIONS)
def test_any_sections_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, sections: list[tuple[str, dict[str, str]]]
) -> None:
    """A Workload or a typed error, nothing else."""
    lines = [f"[{name}]\n" + "".join(f"{key}={word}\n" for key, word in options.items()) for name, options in sections]
    try:
        counted(cfg(tmp_path_factory.getbasetemp(), "".join(lines)))
    except AttainableError:
        return


def test_a_layer_that_names_too_many_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one it names becomes a node; the largest of them all would take minutes to write."""
    monkeypatch.setattr("attainable.workload.weightless.writer.MOST_NODES", 10)
    path = cfg(tmp_path, f"[avgpool]\n[avgpool]\n[shortcut]\nfrom={','.join(['-2'] * 20)}\n")
    with pytest.raises(ModelGraphError, match=r"more than 10 operators come of it.*\[shortcut\], layer 2"):
        load(path)
