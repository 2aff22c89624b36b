"""``attainable devices fit``: a table of latencies becomes a profile, or nothing is written."""

import json
from pathlib import Path

import pytest

from attainable.calibration.fit.measurements import observe, read_measurements
from attainable.cli.devices_fit import fit
from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced
from attainable.devices.profile import read_profile, write_profile
from attainable.errors import InputError, InvalidQuantity, OutputExists, UnknownName
from attainable.prediction.calibrated import predicted_seconds
from tests.cli.shown import Command

NETWORKS = ("squeezenet1_1", "resnet18", "mobilenet_v2", "shufflenet_v2_x1_0", "mobilenet_v1")


def assumed(number: float) -> Sourced:
    return Sourced(number, "test", "assumed")


BASE = Device(
    "board", "Board", 4,
    (Roof("vector", "float32", None, assumed(50e9)),),
    (Memory("DRAM", None, (Bandwidth(None, assumed(10e9)),)),),
    launch_seconds=assumed(1e-5),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base profile, and latencies of networks on it, one of them 10 % off."""
    folder = tmp_path_factory.mktemp("phone")
    write_profile(BASE, folder / "board.toml")
    names = folder / "names.csv"
    names.write_text("model,ms\n" + "".join(f"{name},1\n" for name in NETWORKS))
    rows = ["model,latency"]
    for observation in observe(read_measurements(names), folder=folder):
        seconds = 2 * predicted_seconds(BASE, observation.kernels)
        rows.append(f"{observation.model},{1e3 * seconds * (1.1 if not len(rows) % 3 else 1):.4f} ms")
    (folder / "latencies.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_the_figures_and_their_errors_are_shown_and_a_profile_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "my-phone.toml"
    fit(measurements=folder / "latencies.csv", base=str(folder / "board.toml"), output=output)
    shown = capsys.readouterr()
    assert "Board, fitted (my-phone)" in shown.out
    assert "fitted to 5 models on top of board" in shown.out
    for name in NETWORKS:
        (line,) = (line for line in shown.out.splitlines() if line.strip().startswith(name))
        assert line.endswith(" %") or line.rstrip().endswith("%")
    assert "Leave-one-out error" in shown.out
    assert "warning: only 5 models" in shown.err
    assert "my-phone.toml" in shown.err
    written = read_profile(output)
    assert written.name == "my-phone"
    assert written.roofs == BASE.roofs
    assert written.launch_seconds is not None
    assert written.launch_seconds.source.startswith("fitted to 5 models, leave-one-out error ")


def test_the_written_profile_predicts_the_models_that_it_was_fitted_to(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "my-phone.toml"
    fit(measurements=folder / "latencies.csv", base=str(folder / "board.toml"), output=output)
    device = read_profile(output)
    for row in observe(read_measurements(folder / "latencies.csv"), folder=folder):
        assert predicted_seconds(device, row.kernels) == pytest.approx(row.seconds, rel=0.15)


def test_json_has_the_device_and_the_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(measurements=folder / "latencies.csv", base=str(folder / "board.toml"), name="mine", json=True)
    result = json.loads(capsys.readouterr().out)
    device = result["fit"]["device"]
    assert device["name"] == "mine"
    assert [row["model"] for row in result["fit"]["left_out"]] == list(NETWORKS)
    assert device["run_seconds"]["low"] < device["run_seconds"]["high"]
    assert result["predictions"] == []


def test_models_that_were_not_measured_are_predicted_with_an_interval(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = str(folder / "board.toml")
    fit(measurements=folder / "latencies.csv", base=base, predict=["mobilenet_v3_large"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split() == ["not", "measured", "predicted", "90", "%", "interval"]
    assert lines[-1].split()[0] == "mobilenet_v3_large"
    assert ".." in lines[-1]
    with pytest.raises(InputError, match="neither a file nor a network of the zoo @ --predict, nothing"):
        fit(measurements=folder / "latencies.csv", base=base, predict=["nothing", "mobilenet_v3_large"])


def test_nothing_is_written_when_rows_are_wrong(folder: Path, tmp_path: Path) -> None:
    table, output = tmp_path / "bad.csv", tmp_path / "out.toml"
    table.write_text("model,latency\nsqueezenet1_1,soon\nnothing.onnx,1 ms\n,1 ms\n")
    with pytest.raises(InputError) as caught:
        fit(measurements=table, base=str(folder / "board.toml"), output=output)
    assert caught.value.exit_code == 2
    assert caught.value.faults == ("cannot read 'soon' @ row 2", "names no model @ row 4")
    assert not output.exists()


def test_an_existing_profile_is_kept_without_force(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.toml"
    output.write_text("mine")
    with pytest.raises(OutputExists):
        fit(measurements=folder / "latencies.csv", base=str(folder / "board.toml"), output=output)
    assert output.read_text() == "mine"
    fit(measurements=folder / "latencies.csv", base=str(folder / "board.toml"), output=output, force=True)
    assert read_profile(output).name == "out"


def test_an_output_that_is_no_profile_and_an_unknown_type_are_refused(folder: Path, tmp_path: Path) -> None:
    base, table = str(folder / "board.toml"), folder / "latencies.csv"
    with pytest.raises(InvalidQuantity, match=r"end in \.toml"):
        fit(measurements=table, base=base, output=tmp_path / "out.json")
    with pytest.raises(UnknownName, match="float99"):
        fit(measurements=table, base=base, dtype="float99")


def test_a_type_for_which_the_base_states_no_roof_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="states no roof for float16 @ resnet18"):
        fit(measurements=folder / "latencies.csv", base=str(folder / "board.toml"), dtype="float16")


def test_the_command_line_exits_with_2_and_hostile_names_are_harmless(attainable: Command, folder: Path) -> None:
    Path("bad.csv").write_text("model,latency\n\x1b[31mred\u202e,1 ms\nmissing.onnx,2 ms\n")
    shown = attainable(
        "devices", "fit", "--measurements", "bad.csv", "--base", folder / "board.toml", "--output", "out.toml"
    )
    assert (shown.code, shown.out) == (2, "")
    assert "is neither a file nor a network of the zoo @ row 2, \\x1b[31mred\\u202e" in shown.err
    assert "is neither a file nor a network of the zoo @ row 3, missing.onnx" in shown.err
    assert "\x1b" not in shown.err
    assert not Path("out.toml").exists()


def test_the_command_line_writes_a_profile_that_devices_show_reads(attainable: Command, folder: Path) -> None:
    table, base = folder / "latencies.csv", folder / "board.toml"
    assert attainable("devices", "fit", "--measurements", table, "--base", base, "--output", "out.toml").code == 0
    shown = attainable("devices", "show", "out.toml")
    assert shown.code == 0
    assert "fitted to 5 models" in shown.out
