"""ONNX files for LiteRT: what is kept of conversions, and operators whose other inputs are known numbers."""

import os
from pathlib import Path

import pytest
from onnx import helper
from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors

from attainable.errors import RuntimeRefused
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.agreement import agreements
from attainable.runtimes.environments import Interpreter, find_interpreter
from attainable.runtimes.litert import RUNTIME, conversion
from attainable.runtimes.litert.conversion import NAME, REQUIREMENT, converted
from attainable.runtimes.onnxruntime import RUNTIME as REFERENCE
from attainable.testing.conformance import why_not_installed
from attainable.workload import load
from attainable.workload.graph import Workload
from tests.models import model, save, value
from tests.runtimes.nets import Net, image

DEADLINE = 300.0


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A cache of its own and a converter that copies; what it was asked for."""
    asked: list[Path] = []

    def copy(workload: Workload, shapes: object, python: str, target: Path, *, deadline_seconds: float) -> None:
        asked.append(target)
        target.write_bytes(Path(workload.provenance.path).read_bytes())

    def found(name: str, requirement: object) -> Interpreter:
        return Interpreter("python", "managed")

    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "_convert", copy)
    monkeypatch.setattr(conversion, "find_interpreter", found)
    return asked


def network(folder: Path, *, size: int = 16) -> Workload:
    net = Net()
    return net.load(folder, [image(size=size)], net.op("Relu", "x"))


def test_a_model_is_converted_once(tmp_path: Path, conversions: list[Path]) -> None:
    workload = network(tmp_path)
    first, second = (converted(workload, deadline_seconds=1.0) for _ in range(2))
    assert first == second == conversions[0]
    assert len(conversions) == 1
    assert first.read_bytes() == Path(workload.provenance.path).read_bytes()


def test_another_file_of_the_same_name_is_converted_anew(tmp_path: Path, conversions: list[Path]) -> None:
    workload = network(tmp_path)
    converted(workload, deadline_seconds=1.0)
    # The workload was read before, so that its own sum is that of the old file.
    network(tmp_path, size=32)
    converted(workload, deadline_seconds=1.0)
    assert len(set(conversions)) == 2


def test_other_weights_beside_an_equal_file_are_converted_by_themselves(
    tmp_path: Path, conversions: list[Path]
) -> None:
    net = Net()
    proto = model([helper.make_node("Add", ["x", net.weight(8)], ["y"])], [value("x", [1, 8])], ["y"],
                  net.constants)  # fmt: skip
    convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    made: list[Path] = []
    for name, weights in (("first", bytes(32)), ("second", bytes(31) + b"\1")):
        folder = tmp_path / name
        folder.mkdir()
        write_external_data_tensors(proto, str(folder))
        workload = load(save(proto, folder))
        (folder / "weights.bin").write_bytes(weights)
        made += [converted(workload, deadline_seconds=1.0) for _ in range(2)]
    assert made[0] == made[1] != made[2] == made[3]
    assert len(conversions) == 2


def test_what_an_ended_conversion_left_behind_goes(tmp_path: Path, conversions: list[Path]) -> None:
    folder = converted(network(tmp_path), deadline_seconds=1.0).parent
    old, new = folder / ".unfinished-old", folder / ".unfinished-new"
    for file in (old, new):
        file.touch()
    os.utime(old, (0, 0))
    converted(network(tmp_path, size=32), deadline_seconds=1.0)
    assert (old.exists(), new.exists()) == (False, True)


def test_only_the_latest_are_kept(tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_MOST_KEPT", 2)
    for age, size in ((300, 8), (200, 16), (100, 24)):
        made = converted(network(tmp_path, size=size), deadline_seconds=1.0)
        os.utime(made, (made.stat().st_atime, made.stat().st_mtime - age))
    converted(network(tmp_path, size=32), deadline_seconds=1.0)
    assert [file.is_file() for file in conversions] == [False, False, True, True]


def test_a_cache_that_cannot_be_written_is_said(
    tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "file"))
    with pytest.raises(RuntimeRefused, match="cannot be converted") as refused:
        converted(network(tmp_path), deadline_seconds=1.0)
    assert refused.value.help is not None and "ATTAINABLE_CACHE" in refused.value.help
    assert conversions == []


def test_operators_that_read_known_numbers_compute_what_they_should(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    if find_interpreter(NAME, REQUIREMENT) is None:
        pytest.skip(f"{NAME} is not installed: attainable runtimes install {NAME}")
    net = Net()

    def numbers(*elements: int) -> str:
        return net.constant(elements, "int64")

    outputs = [
        net.op("Reshape", "x", numbers(0, 2, -1)),
        net.op("Slice", "x", numbers(1, -9), numbers(9, 2**62), numbers(2, 3), numbers(2, 3)),
        net.op("Split", "x", numbers(3, 1, 4), outputs=3, attributes={"axis": 1}),
        net.op("Expand", "x", numbers(2, 1, 1, 1)),
        net.op("Tile", "x", numbers(1, 1, 2, 1)),
        net.op("ReduceMean", "x", numbers(2, 3)),
        net.op("ReduceMax", "x", numbers(1), attributes={"keepdims": 0}),
        net.op("ReduceSum", "x"),
        net.op("Gelu", "x"),
        net.op("Resize", "x", "", net.constant([1.0, 1.0, 2.0, 3.0])),
    ]
    workload = net.load(tmp_path, [value("x", [1, 8, 16, 16])], *outputs)
    inputs = make_inputs(workload).arrays
    with REFERENCE.open(workload, inputs, threads=1, deadline_seconds=DEADLINE) as session:
        wanted = session.compute(inputs, deadline_seconds=DEADLINE)
    with RUNTIME.open(workload, inputs, threads=1, deadline_seconds=DEADLINE) as session:
        given = session.compute(inputs, deadline_seconds=DEADLINE)
    found = agreements(wanted, given)
    assert len(found) == len(outputs)
    assert [each.output for each in found if not each.is_within(RUNTIME.tolerances["float32"])] == []


def test_a_scale_that_does_not_give_whole_extents_is_refused(tmp_path: Path) -> None:
    if find_interpreter(NAME, REQUIREMENT) is None:
        pytest.skip(f"{NAME} is not installed: attainable runtimes install {NAME}")
    net = Net()
    # 16 * 1.3 is 20.8; ONNX reads at places of 1 / 1.3, what only knows the 20 at places of 16 / 20.
    resized = net.op("Resize", "x", "", net.constant([1.0, 1.0, 1.3, 1.3]))
    net.nodes[-1].attribute.append(helper.make_attribute("mode", "linear"))
    workload = net.load(tmp_path, [value("x", [1, 8, 16, 16])], resized)
    with pytest.raises(RuntimeRefused, match="does not give whole extents"):
        converted(workload, deadline_seconds=DEADLINE)


def test_what_the_converter_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    if find_interpreter(NAME, REQUIREMENT) is None:
        pytest.skip(f"{NAME} is not installed: attainable runtimes install {NAME}")
    net = Net()
    workload = net.load(tmp_path, [value("x", [1, 8, 16, 16])], net.op("Hardmax", "x"))
    with pytest.raises(RuntimeRefused, match="no Hardmax"):
        converted(workload, deadline_seconds=DEADLINE)
