"""Changes end to end: kept only when verified and faster, and nothing of the user's is ever touched."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors

from attainable.errors import InputError, OutputExists, RuntimeRefused, UnknownName
from attainable.measurement.compare import Comparison
from attainable.optimization import Optimization, Outcome, Settings, optimize_model
from attainable.transforms import TRANSFORMS, Options, Transform, Transformed
from attainable.workload import Workload
from tests.models import save
from tests.transforms.nets import Net, image, read, residual_network


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return residual_network().save(folder, [image()], "y")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "changed.onnx"


Ratio = Callable[[float, float], None]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Ratio:
    """Sets the interval of the ratio that every comparison finds, so that no test waits for twenty pairs."""

    def set_interval(low: float, high: float) -> None:
        def compare(
            first: Workload, second: Workload, *, runtime: str, threads: int, pairs: int, time_budget_seconds: float
        ) -> Comparison:
            del time_budget_seconds
            middle = (low + high) / 2
            return Comparison(
                first.name, second.name, runtime, "7", threads, middle, 1.0, middle, low, high, (middle,) * pairs, True,
                (),
            )  # fmt: skip

        monkeypatch.setattr("attainable.optimization.optimize.compare_workloads", compare)

    set_interval(1.5, 1.7)
    return set_interval


def with_transform(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[onnx.ModelProto], None], *, exact: bool = True
) -> None:
    """Put a change of our own into the table, as ``mine``."""

    def apply(path: Path, options: Options) -> Transformed:
        del options
        proto = read(path)
        change(proto)
        return Transformed(proto.SerializeToString(), "changed")

    monkeypatch.setattr("tests.optimization.test_optimize.apply", apply, raising=False)
    monkeypatch.setitem(TRANSFORMS, "mine", Transform("mine", "ours", exact, "tests.optimization.test_optimize"))


def scale(name: str, factor: float) -> Callable[[onnx.ModelProto], None]:
    """A change that multiplies a weight."""

    def change(proto: onnx.ModelProto) -> None:
        for tensor in proto.graph.initializer:
            if tensor.name == name:
                array = numpy_helper.to_array(tensor) * np.float32(factor)
                tensor.CopyFrom(numpy_helper.from_array(array, name))

    return change


def only(result: Optimization) -> Outcome:
    (outcome,) = result.outcomes
    return outcome


def test_a_verified_and_faster_change_is_kept_and_written(path: Path, target: Path, measured: Ratio) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    result = optimize_model(path, ["bn-fold"], output=target)
    outcome = only(result)
    assert (outcome.kept, outcome.reason) == (True, "faster: the 95 % interval of the ratio is 1.50 to 1.70")
    assert (outcome.output, result.output, result.total) == (str(target), str(target), None)
    assert result.sha256 == before == hashlib.sha256(path.read_bytes()).hexdigest()
    assert outcome.verification is not None
    assert outcome.verification.inputs == 32
    assert outcome.verification.relative_error < 1e-5
    assert "BatchNormalization" not in {node.op_type for node in read(target).graph.node}
    assert sorted(file.name for file in target.parent.iterdir()) == ["changed.onnx", "models"]
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_int8_is_judged_by_its_noise(path: Path, target: Path, measured: Ratio) -> None:
    outcome = only(optimize_model(path, ["int8"], output=target))
    assert outcome.kept
    assert outcome.verification is not None
    assert 20 < outcome.verification.sqnr_decibels < 60
    strict = optimize_model(path, ["int8"], output=target, overwrite=True, settings=Settings(minimum_sqnr_decibels=90))
    assert not only(strict).kept
    assert only(strict).reason.endswith(" dB, below 90 dB; --minimum-sqnr may allow less")
    assert only(strict).comparison is None


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (0.99, 1.01, "no gain here: the 95 % interval of the ratio is 0.99 to 1.01"),
        (0.50, 0.60, "slower: the 95 % interval of the ratio is 0.50 to 0.60"),
    ],
)
def test_without_gain_nothing_is_written(
    path: Path, target: Path, measured: Ratio, low: float, high: float, reason: str
) -> None:
    measured(low, high)
    result = optimize_model(path, ["bn-fold"], output=target)
    assert (only(result).kept, only(result).reason, result.output) == (False, reason, "")
    assert not target.exists()
    kept = optimize_model(path, ["bn-fold"], output=target, settings=Settings(keep_refused=True))
    assert (kept.kept, kept.output, only(kept).output) == (False, str(target), str(target))
    assert target.exists()


def test_nothing_to_change_is_no_error(tmp_path: Path, target: Path) -> None:
    net = Net()
    path = net.save(tmp_path, [image()], net.conv("x", 3, 8))
    outcome = only(optimize_model(path, ["bn-fold"], output=target, settings=Settings(keep_refused=True)))
    assert (outcome.kept, outcome.reason) == (False, "no gain here: there is no BatchNormalization")
    assert not target.exists()


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        (1.01, "output y differs by"),
        (float("nan"), "output y is NaN or infinite where the original is not on 32 of 32 inputs"),
        (0.0, "output y is the same for every input, the original's is not"),
    ],
)
def test_a_corrupted_model_is_refused(
    path: Path, target: Path, measured: Ratio, monkeypatch: pytest.MonkeyPatch, factor: float, reason: str
) -> None:
    classifier = next(node.input[1] for node in read(path).graph.node if node.op_type == "Gemm")
    with_transform(monkeypatch, scale(classifier, factor))
    outcome = only(optimize_model(path, ["mine"], output=target))
    assert outcome.reason.startswith(reason)
    assert not outcome.kept
    assert not target.exists()


def test_a_model_that_the_runtime_no_longer_runs_is_refused(
    path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_what_is_not_there(proto: onnx.ModelProto) -> None:
        proto.graph.node[0].input[0] = "gone"

    with_transform(monkeypatch, read_what_is_not_there)
    unread = only(optimize_model(path, ["mine"], output=target, settings=Settings(keep_refused=True)))
    assert unread.reason.startswith("the changed model cannot be read: the graph is broken")

    def become_unknown(proto: onnx.ModelProto) -> None:
        proto.graph.node[0].domain = "nowhere"
        proto.opset_import.add(domain="nowhere", version=1)

    with_transform(monkeypatch, become_unknown)
    outcome = only(optimize_model(path, ["mine"], output=target))
    assert outcome.reason.startswith("onnxruntime does not run the changed model: ")
    assert not target.exists()


def test_an_original_that_does_not_run_is_an_error(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net()
    x = net.conv("x", 3, 8)
    net.op("Relu", x, outputs=["y"])
    net.nodes[-1].domain = "nowhere"
    with_transform(monkeypatch, scale("", 1.0))
    with pytest.raises(RuntimeRefused, match="nowhere"):
        optimize_model(net.save(tmp_path, [image()], "y"), ["mine"], output=target)


@pytest.mark.parametrize("kind", ["Cast", "SequenceConstruct"])
def test_outputs_that_are_no_numbers_cannot_be_compared(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    net = Net()
    net.op(kind, "x", outputs=["y"], attributes={"to": onnx.TensorProto.STRING} if kind == "Cast" else {})
    proto = net.proto([image()], "y")
    if kind == "Cast":
        proto.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.STRING
    else:
        proto.graph.output[0].type.sequence_type.elem_type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    with_transform(monkeypatch, scale("", 1.0))
    with pytest.raises(RuntimeRefused, match="output y is no array of numbers"):
        optimize_model(save(proto, tmp_path), ["mine"], output=target)


def test_changes_are_applied_in_order_and_the_total_is_measured(path: Path, target: Path, measured: Ratio) -> None:
    told: list[str] = []
    result = optimize_model(path, ["bn-fold", "int8"], output=target, progress=told.append)
    assert [outcome.transform for outcome in result.outcomes] == ["bn-fold", "int8"]
    assert [outcome.output for outcome in result.outcomes] == [str(target)] * 2
    second = result.outcomes[1].comparison
    assert second is not None
    assert (second.first, second.second) == ("model-bn-fold", "model-bn-fold-int8")
    assert result.total is not None
    assert (result.total.first, result.total.second) == ("model", "model-bn-fold-int8")
    # folded already
    assert result.outcomes[1].details[0].startswith("weights have")
    assert told[:3] == [
        "bn-fold: changing model",
        "bn-fold: verifying the outputs on 32 inputs",
        "measuring model-bn-fold against model, 20 pairs of processes",
    ]


def test_the_model_is_never_the_output(path: Path, tmp_path: Path) -> None:
    link, hard = tmp_path / "link.onnx", tmp_path / "hard.onnx"
    link.symlink_to(path)
    hard.hardlink_to(path)
    before = path.read_bytes()
    for output in (path, link, hard, path.parent / ".." / "models" / "model.onnx"):
        with pytest.raises(InputError, match="is the model itself, which is never written to"):
            optimize_model(path, ["bn-fold"], output=output, overwrite=True)
    with pytest.raises(InputError, match="is the model itself"):
        optimize_model(link, ["bn-fold"], output=path, overwrite=True)
    assert path.read_bytes() == before
    assert link.is_symlink()


def test_weight_files_are_never_the_output(path: Path, target: Path, measured: Ratio) -> None:
    proto = read(path)
    convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    write_external_data_tensors(proto, str(path.parent))
    save(proto, path.parent)
    weights = path.parent / "weights.bin"
    before = weights.read_bytes()
    with pytest.raises(InputError, match="holds weights of the model, which is never written to"):
        optimize_model(path, ["bn-fold"], output=weights, overwrite=True)
    assert optimize_model(path, ["bn-fold"], output=target).kept
    assert weights.read_bytes() == before


def test_questions_are_checked_before_any_work(path: Path, target: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        optimize_model(path, ["int9"], output=target)
    with pytest.raises(InputError, match="no change is named"):
        optimize_model(path, [], output=target)
    target.write_text("mine")
    with pytest.raises(OutputExists):
        optimize_model(path, ["int8"], output=target)
    with pytest.raises(InputError, match="its folder does not exist"):
        optimize_model(path, ["int8"], output=tmp_path / "gone" / "model.onnx")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"has no \.npy or \.npz files"):
        optimize_model(path, ["int8"], output=target, overwrite=True, settings=Settings(options=Options(data=empty)))
    assert target.read_text() == "mine"


def test_data_of_the_user_calibrates_and_verifies(path: Path, target: Path, measured: Ratio, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(6):
        np.save(folder / f"{number}.npy", np.random.default_rng(number).random((1, 3, 8, 8), np.float32))
    settings = Settings(options=Options(data=folder))
    outcome = only(optimize_model(path, ["int8"], output=target, settings=settings))
    assert outcome.details[-1] == f"ranges are the extremes over 3 samples from the 6 files in {folder}"
    assert outcome.verification is not None
    assert (outcome.verification.inputs, outcome.verification.source) == (3, f"3 samples from the 6 files in {folder}")


KILLED = """
import os, signal, sys
from pathlib import Path
import attainable.optimization.optimize as optimize
from attainable.measurement.compare import Comparison

numbers = ("a", "b", "onnxruntime", "7", 1, 2.0, 1.0, 2.0, 1.9, 2.1, (2.0,) * 20, True, ())
optimize.compare_workloads = lambda *networks, **settings: Comparison(*numbers)
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
optimize.optimize_model(Path(sys.argv[1]), ["bn-fold"], output=Path(sys.argv[2]), overwrite=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_kill_at_the_last_moment_leaves_no_half_file(path: Path, target: Path) -> None:
    target.write_text("what was there before")
    before = path.read_bytes()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), str(target)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert target.read_text() == "what was there before"
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]
