from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.analysis.counted import counted
from attainable.analysis.records import Analysis
from attainable.cost.count import count
from attainable.errors import InputError, ModelFileError, OutputExists
from attainable.transforms.annotate import annotate
from attainable.workload import load
from tests.models import chain, model, save, value


def analysed(path: Path) -> Analysis:
    return counted(count(load(path)))


def read(path: Path) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(path.read_bytes())


def properties(target: onnx.ModelProto | onnx.NodeProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in target.metadata_props}


def test_nodes_and_model_carry_their_counts(tmp_path: Path) -> None:
    path, output = save(chain(2), tmp_path), tmp_path / "annotated.onnx"
    annotate(analysed(path), output)
    written = read(output)
    # 8 channels to 8 channels by 3 x 3 taps on 14 x 14, batch 1
    macs = 14 * 14 * 8 * 8 * 9
    assert properties(written.graph.node[0])["attainable.macs"] == str(macs)
    assert properties(written.graph.node[1])["attainable.macs"] == "0"
    assert properties(written)["attainable.macs"] == str(2 * macs)
    assert properties(written)["attainable.binding.N"] == "1"
    assert analysed(output).totals == analysed(path).totals


def test_nothing_but_the_metadata_changes(tmp_path: Path) -> None:
    path, output = save(chain(3), tmp_path), tmp_path / "annotated.onnx"
    before = path.read_bytes()
    annotate(analysed(path), output)
    written = read(output)
    for target in (written, *written.graph.node):
        del target.metadata_props[:]
    assert written.SerializeToString(deterministic=True) == read(path).SerializeToString(deterministic=True)
    assert path.read_bytes() == before


def test_a_second_time_replaces_ours_and_keeps_those_of_others(tmp_path: Path) -> None:
    proto = chain(1)
    proto.graph.node[0].metadata_props.add(key="namespace", value="layer1")
    path, once, twice = save(proto, tmp_path), tmp_path / "once.onnx", tmp_path / "twice.onnx"
    annotate(analysed(path), once)
    annotate(analysed(once), twice)
    assert once.read_bytes() == twice.read_bytes()
    assert properties(read(twice).graph.node[0])["namespace"] == "layer1"


def test_an_op_that_cannot_be_counted_says_so_instead_of_zero(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mystery", ["x"], ["y"], domain="my.own")]
    path, output = save(model(nodes, [value("x", [4])], ["y"]), tmp_path), tmp_path / "annotated.onnx"
    annotate(analysed(path), output)
    written = read(output)
    assert properties(written.graph.node[0]) == {"attainable.state": "no rule"}
    assert properties(written)["attainable.at_least"] == "true"


def with_weights_elsewhere(folder: Path) -> Path:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[64, 64], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "weights.bin"), ("offset", "0"), ("length", str(64 * 64 * 4))):
        weight.external_data.add(key=key, value=text)
    (folder / "weights.bin").write_bytes(bytes(64 * 64 * 4))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return save(model(nodes, [value("x", [1, 64])], ["y"], [weight]), folder)


def test_weights_in_other_files_stay_there(tmp_path: Path) -> None:
    path, output = with_weights_elsewhere(tmp_path), tmp_path / "annotated.onnx"
    annotate(analysed(path), output)
    written = read(output)
    assert written.graph.initializer[0].data_location == TensorProto.EXTERNAL
    assert output.stat().st_size < 64 * 64
    assert numpy_helper.to_array(written.graph.initializer[0], base_dir=str(tmp_path)).shape == (64, 64)


def test_a_copy_that_would_lose_its_weights_is_refused(tmp_path: Path) -> None:
    path = with_weights_elsewhere(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(InputError, match="outside the folder"):
        annotate(analysed(path), elsewhere / "annotated.onnx")
    assert list(elsewhere.iterdir()) == []


def test_the_model_itself_is_never_overwritten(tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    link = tmp_path / "link.onnx"
    link.symlink_to(path)
    before = path.read_bytes()
    for output in (path, link):
        with pytest.raises(InputError, match="is the model itself"):
            annotate(analysed(path), output, overwrite=True)
    assert path.read_bytes() == before


def test_what_cannot_be_annotated_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path, output = save(chain(1), tmp_path), tmp_path / "annotated.onnx"
    analysis = analysed(path)
    with pytest.raises(InputError, match="only ONNX"):
        annotate(replace(analysis, model=replace(analysis.model, format="darknet")), output)
    path.write_bytes(chain(2).SerializeToString())
    with pytest.raises(ModelFileError, match="changed since"):
        annotate(analysis, output)
    assert not output.exists()
    output.write_text("mine")
    with pytest.raises(OutputExists):
        annotate(analysed(path), output)
    assert output.read_text() == "mine"


def test_a_copy_that_holds_its_weights_may_lie_anywhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    annotate(analysed(save(chain(1), tmp_path)), elsewhere / "annotated.onnx")
    assert properties(read(elsewhere / "annotated.onnx"))["attainable.at_least"] == "false"
