"""The child's side of ncnn, as far as it can be looked at without ncnn: what is made of pnnx's files."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from attainable.runtimes.process import SESSIONS

COMPLAINT = "ignore Gather lookup param axis=0"
WEIGHTS = bytes(range(4 * 6))


@pytest.fixture(scope="module")
def session() -> ModuleType:
    specification = importlib.util.spec_from_file_location("ncnn_session_under_test", SESSIONS / "ncnn_session.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def written(session: ModuleType, folder: Path, layers: list[str], log: list[str]) -> tuple[list[str], bytes]:
    """What becomes of a network in ``folder``, the current one: its lines and its weights."""
    (folder / "model.ncnn.param").write_text("\n".join(["7767517", f"{len(layers)} 9", *layers]) + "\n")
    (folder / "model.ncnn.bin").write_bytes(WEIGHTS)
    session._write_embeddings(log)  # pyright: ignore[reportPrivateUsage]
    return (folder / "model.ncnn.param").read_text().splitlines(), (folder / "model.ncnn.bin").read_bytes()


def test_rows_of_a_table_are_looked_up_by_the_layer_that_ncnn_has(
    session: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layers = [
        "Input in0 0 1 in0",
        "MemoryData offset 0 1 1 0=2",
        "MemoryData table 0 1 2 0=2 1=2",
        "Gather lookup 2 1 2 in0 3",
        "BinaryOp add_0 2 1 3 1 out0 0=0",
    ]
    lines, weights = written(session, tmp_path, layers, [COMPLAINT])
    assert lines == [
        "7767517",
        # Input, offset, Embed, BinaryOp; each gives one blob.
        "4 4",
        "Input in0 0 1 in0",
        "MemoryData offset 0 1 1 0=2",
        # Two numbers a row, two rows, no bias, four weights.
        "Embed lookup 1 1 in0 3 0=2 1=2 2=0 3=4",
        "BinaryOp add_0 2 1 3 1 out0 0=0",
    ]
    # The offset's two numbers come first, then the tag, then the table's four.
    assert weights == WEIGHTS[:8] + bytes(4) + WEIGHTS[8:]


@pytest.mark.parametrize(
    ("layers", "log"),
    [
        # Along another axis.
        (["Input in0 0 1 in0", "MemoryData table 0 1 1 0=2 1=3", "Gather lookup 2 1 1 in0 out0"], []),
        # Not by an input.
        (
            ["Input in0 0 1 in0", "MemoryData table 0 1 1 0=2 1=3", "ReLU r 1 1 in0 2", "Gather lookup 2 1 1 2 out0"],
            [COMPLAINT],
        ),
        # Not in a constant.
        (["Input in0 0 1 in0", "Input in1 0 1 in1", "Gather lookup 2 1 in1 in0 out0"], [COMPLAINT]),
        # In a table of three axes.
        (["Input in0 0 1 in0", "MemoryData table 0 1 1 0=1 1=2 2=3", "Gather lookup 2 1 1 in0 out0"], [COMPLAINT]),
        # Behind weights of unknown length.
        (
            ["Input in0 0 1 in0", "Convolution c 1 1 in0 1 0=8 1=3", "MemoryData t 0 1 2 0=2 1=3",
             "Gather lookup 2 1 2 in0 out0"],
            [COMPLAINT],
        ),
    ],
)  # fmt: skip
def test_other_lookups_are_left_for_ncnn_to_refuse(
    session: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layers: list[str], log: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines, weights = written(session, tmp_path, layers, log)
    assert lines[2:] == layers
    assert weights == WEIGHTS


def test_colours_and_empty_lines_are_dropped(session: ModuleType) -> None:
    output = b"one \x1b[0;93mtwo\x1b[m\n\n  [0;93mthree[m\r\n"
    assert session._lines(output) == ["one two", "three"]  # pyright: ignore[reportPrivateUsage]


def test_the_axis_of_the_batch_is_read_from_what_pnnx_writes(session: ModuleType) -> None:
    text = (
        '            ex.input("in0", ncnn.Mat(in0.numpy(), batch_index=0).clone())\n'
        '            ex.input("in1", ncnn.Mat(in1.numpy(), batch_index=233).clone())\n'
        '            _, out0 = ex.extract("out0")\n'
        "            out.append(torch.from_numpy(out0.numpy(batch_index=0)))\n"
    )
    assert session._INPUT.findall(text) == [("in0", "0"), ("in1", "233")]  # pyright: ignore[reportPrivateUsage]
    assert session._OUTPUT.findall(text) == [("out0", "0")]  # pyright: ignore[reportPrivateUsage]
