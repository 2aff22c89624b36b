"""Which files belong to a model: those that it names, and none that lies elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.errors import RuntimeRefused
from attainable.runtimes.remote.model import files_beside
from tests.models import model, save, value


def outside(name: str, location: str, *shape: int) -> TensorProto:
    """A tensor whose elements are in another file."""
    tensor = numpy_helper.from_array(np.ones(shape, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def model_with_weights_beside(folder: Path, location: str, *, exists: bool = True) -> Path:
    """One MatMul of ones, whose weight is in a file at this location."""
    if exists:
        (folder / location).parent.mkdir(parents=True, exist_ok=True)
        (folder / location).write_bytes(np.ones((8, 8), np.float32).tobytes())
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return save(model(nodes, [value("x", [2, 8])], ["y"], [outside("w", location, 8, 8)]), folder)


def test_a_model_alone_has_none(tmp_path: Path) -> None:
    path = save(model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [2])], ["y"]), tmp_path)
    assert files_beside(path, "onnx") == ()
    assert files_beside(tmp_path / "anything.tflite", "tflite") == ()


def test_files_are_found_once_wherever_the_tensor_is(tmp_path: Path) -> None:
    for name in ("a.bin", "below/b.bin", "c.bin", "d.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"0")
    body = helper.make_graph(
        [helper.make_node("Identity", ["inner"], ["out"])], "body", [], [value("out", [2])],
        [outside("inner", "c.bin", 2)],
    )  # fmt: skip
    nodes = [
        helper.make_node("Constant", [], ["constant"], value=outside("", "d.bin", 2)),
        helper.make_node("If", ["condition"], ["chosen"], then_branch=body, else_branch=body),
        helper.make_node("Sum", ["constant", "chosen", "a", "b"], ["y"]),
    ]
    constants = [outside("a", "a.bin", 2), outside("b", "below/b.bin", 2), outside("again", "a.bin", 2)]
    path = save(model(nodes, [value("condition", [], TensorProto.BOOL)], ["y"], constants), tmp_path)
    assert sorted(files_beside(path, "onnx")) == ["a.bin", "below/b.bin", "c.bin", "d.bin"]


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "below/../../secret", "below\\..\\..\\secret", "a\nb"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "model").mkdir()
    path = model_with_weights_beside(tmp_path / "model", location, exists=False)
    with pytest.raises(RuntimeRefused, match="which is not below its folder"):
        files_beside(path, "onnx")


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").symlink_to(tmp_path / "secret")
    path = model_with_weights_beside(tmp_path / "model", "weights", exists=False)
    with pytest.raises(RuntimeRefused, match="'weights', which is not below its folder"):
        files_beside(path, "onnx")


def test_weights_that_are_missing_are_said_to_be(tmp_path: Path) -> None:
    path = model_with_weights_beside(tmp_path, "weights", exists=False)
    with pytest.raises(RuntimeRefused, match="its weights in 'weights' are missing"):
        files_beside(path, "onnx")
