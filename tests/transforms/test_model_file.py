"""Reading models with weights in other files, and refusing what cannot be carried over."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.external_data_helper import (
    convert_model_to_external_data,
    load_external_data_for_model,
    write_external_data_tensors,
)

from attainable.errors import AttainableError, InputError, ModelFileError, ModelGraphError
from attainable.transforms import Options, model_file, transform
from tests.models import model, save
from tests.transforms.nets import Net, evaluate, image, noise, read


@pytest.fixture
def external(tmp_path: Path) -> Path:
    """A model with its weights in ``weights.bin`` beside it."""
    net = Net()
    proto = net.proto([image()], net.batch_normalization(net.conv("x", 3, 8), 8, output="y"))
    path = tmp_path / "model.onnx"
    convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    write_external_data_tensors(proto, str(tmp_path))
    path.write_bytes(proto.SerializeToString())
    return path


def refusal(path: Path) -> AttainableError:
    with pytest.raises(AttainableError) as caught:
        transform("bn-fold").apply(path, Options())
    return caught.value


def test_external_weights_are_read_and_the_result_stands_alone(external: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(external.parent)
    given = {"x": noise(1, 3, 8, 8)}
    proto = read(external)
    load_external_data_for_model(proto, str(external.parent))
    (wanted,) = evaluate(proto, given)
    before = (external.parent / "weights.bin").read_bytes()
    content = transform("bn-fold").apply(Path("model.onnx"), Options()).content
    assert content is not None
    assert (external.parent / "weights.bin").read_bytes() == before
    (external.parent / "weights.bin").unlink()
    (got,) = evaluate(onnx.load_from_string(content), given)
    assert np.abs(wanted - got).max() <= 1e-5 * np.abs(wanted).max()


def test_missing_weight_files_are_named(external: Path) -> None:
    (external.parent / "weights.bin").unlink()
    error = refusal(external)
    assert isinstance(error, ModelFileError)
    assert error.what == "its weights cannot be read"
    assert error.faults[0] == "its file weights.bin is missing @ constant0"
    assert len(error.faults) == 5


def test_short_weight_files_are_refused(external: Path) -> None:
    (external.parent / "weights.bin").write_bytes(b"few")
    error = refusal(external)
    assert isinstance(error, ModelFileError)
    assert error.help == "put the model and its weight files, complete, into one folder"


def test_files_outside_the_folder_are_never_opened(external: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = external.parent / "inside"
    inside.mkdir()
    proto = read(external)
    for tensor in proto.graph.initializer:
        tensor.external_data[0].value = "../weights.bin"
    save(proto, inside)
    monkeypatch.chdir(inside)
    # by a relative name as well, with which onnx_ir alone would not look
    error = refusal(Path("model.onnx"))
    assert isinstance(error, ModelFileError)
    assert "outside the base directory" in error.faults[0]


def test_weight_files_are_listed(external: Path) -> None:
    assert model_file.weight_files(model_file.read_model(external)) == {external.parent.resolve() / "weights.bin"}


def test_sparse_weights_would_be_lost_and_are_refused(tmp_path: Path) -> None:
    proto = Net().proto([image()], "x")
    values = numpy_helper.from_array(np.array([1.0], np.float32), "sparse")
    indices = numpy_helper.from_array(np.array([2], np.int64))
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    error = refusal(save(proto, tmp_path))
    assert isinstance(error, ModelGraphError)
    assert error.faults == ("is sparse @ initializer sparse",)


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("just some notes")
    assert refusal(path).what == "is not a valid ONNX protobuf"
    assert refusal(tmp_path / "gone.onnx").what == "cannot be read: No such file or directory"


def test_a_result_beyond_two_gibibytes_is_refused(external: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "LARGEST_FILE_BYTES", 100)
    error = refusal(external)
    assert isinstance(error, InputError)
    assert error.what == "the changed model takes 896 B, a single ONNX file holds less than 2 GiB"


def test_the_default_domain_has_two_names(tmp_path: Path) -> None:
    net = Net()
    proto = net.proto([image()], net.batch_normalization(net.conv("x", 3, 8), 8))
    proto.opset_import[0].domain = "ai.onnx"
    assert transform("bn-fold").apply(save(proto, tmp_path), Options()).content is not None
    proto.opset_import[0].domain = "com.microsoft"
    assert refusal(save(proto, tmp_path)).what == "uses no ONNX operators that could be changed"


def test_an_empty_graph_is_no_reason_to_fail(tmp_path: Path) -> None:
    result = transform("bn-fold").apply(save(model([], [image()], ["x"]), tmp_path), Options())
    assert result.content is None
