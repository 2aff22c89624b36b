"""``attainable convert``: a description without weights becomes a file that counts alike and runs."""

import json
from pathlib import Path

import pytest

from tests.cli.shown import Command
from tests.workload.described import counted, require_lively, require_same_counts

CFG = """[net]
width=32
height=32
channels=3
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=mish
[convolutional]
batch_normalize=1
groups=8
filters=8
size=3
pad=1
activation=swish
[shortcut]
from=0
activation=relu6
[maxpool]
size=2
stride=2
[avgpool]
[connected]
output=10
activation=linear
[softmax]
"""

PARAM = """7767517
5 6
Input data 0 1 data 0=16 1=16 2=3
Convolution conv 1 1 data c 0=8 1=3 4=1 5=1 6=216 8=1 9=6
ShuffleChannel mix 1 1 c m 0=2
Deconvolution up 1 1 m u 0=4 1=2 3=2 5=1 6=128
Softmax out 1 1 u out 0=0 1=1
"""


@pytest.mark.parametrize(("name", "content"), [("net.cfg", CFG), ("net.param", PARAM)])
def test_the_file_counts_alike_and_runs(attainable: Command, name: str, content: str) -> None:
    source, target = Path(name), Path("out.onnx")
    source.write_text(content)
    shown = attainable("convert", source, "--output", target, "--batch", "2")
    assert (shown.out, shown.err, shown.code) == ("out.onnx\n", "", 0)
    assert source.read_text() == content
    require_same_counts(counted(source, batch=2), target)
    require_lively(target.read_bytes())


def test_the_same_seed_gives_the_same_bytes(attainable: Command) -> None:
    Path("net.cfg").write_text(CFG)
    files: list[bytes] = []
    for seed in ("7", "7", "8"):
        assert attainable("convert", "net.cfg", "--seed", seed, "--force").code == 0
        files.append(Path("net.onnx").read_bytes())
    assert files[0] == files[1] != files[2]
    assert attainable("convert", "net.cfg", "--seed", "-1", "--force").code == 2


def test_nothing_is_overwritten_without_force(attainable: Command) -> None:
    Path("net.cfg").write_text(CFG)
    Path("net.onnx").write_text("mine")
    shown = attainable("convert", "net.cfg")
    assert shown.code == 2
    assert "net.onnx: exists already" in shown.err
    assert Path("net.onnx").read_text() == "mine"
    shown = attainable("convert", "net.cfg", "--output", "net.cfg", "--force")
    assert "net.cfg: is the input itself" in shown.err
    assert Path("net.cfg").read_text() == CFG


def test_formats_with_weights_are_refused(attainable: Command) -> None:
    Path("net.tflite").write_text("TFL3")
    shown = attainable("convert", "net.tflite", "--output", "out.onnx")
    assert (shown.code, shown.out) == (2, "")
    assert "net.tflite: is not a network description without weights" in shown.err
    assert "give a file with the extension .cfg or .param" in shown.err
    assert not Path("out.onnx").exists()


def test_weights_beyond_an_onnx_file_are_refused_before_they_are_drawn(attainable: Command) -> None:
    Path("net.cfg").write_text("[net]\nwidth=9\nheight=9\n[convolutional]\nfilters=99999999\nsize=9\n")
    shown = attainable("convert", "net.cfg")
    assert shown.code == 2
    assert "exceed 2 GiB, which no ONNX file can hold" in shown.err


def test_count_reads_the_description_itself(attainable: Command) -> None:
    Path("net.cfg").write_text(CFG)
    record = json.loads(attainable("count", "net.cfg", "--json").out)
    assert record["model"]["format"] == "darknet"
    # 16 x 16 x 8 x 27, 16 x 16 x 8 x 9, 8 x 10
    assert record["totals"]["macs"] == 55_296 + 18_432 + 80
