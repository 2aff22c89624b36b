"""Inputs that a network can run on: bounded token ids, open masks, and the user's arrays checked before use."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from attainable.errors import InputsUnavailable, InvalidQuantity
from attainable.measurement import inputs as inputs_module
from attainable.measurement.inputs import make_inputs
from attainable.timing.memory import available_memory_bytes
from attainable.workload import Workload, load
from tests.models import constant, model, save, value

INT64, BOOL = TensorProto.INT64, TensorProto.BOOL


def workload_of(
    folder: Path,
    inputs: Sequence[ValueInfoProto],
    nodes: Sequence[NodeProto] = (),
    constants: Sequence[TensorProto] = (),
) -> Workload:
    outputs = [nodes[-1].output[0] if nodes else inputs[0].name]
    return load(save(model(nodes, inputs, outputs, constants), folder))


def indices(*elements: int) -> TensorProto:
    return numpy_helper.from_array(np.array(elements, np.int64), "axes")


def gather(name: str, table: str, *, rows: int) -> tuple[NodeProto, TensorProto]:
    return helper.make_node("Gather", [table, name], [f"{name}.embedded"]), constant(table, rows, 4)


def test_floats_are_normal_and_repeat_with_the_seed(tmp_path: Path) -> None:
    workload = workload_of(tmp_path, [value("x", [2, 3, 64, 64])])
    made = make_inputs(workload)
    assert made.arrays["x"].dtype == np.float32
    assert made.arrays["x"].shape == (2, 3, 64, 64)
    assert abs(float(np.mean(made.arrays["x"].astype(np.float64)))) < 0.05
    assert np.array_equal(made.arrays["x"], make_inputs(workload).arrays["x"])
    assert not np.array_equal(made.arrays["x"], make_inputs(workload, seed=1).arrays["x"])
    assert made.lines == ("x: normal numbers, mean 0, standard deviation 1",)


def test_token_ids_are_rows_of_the_embedding_however_far_down_it_is(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["ids"], ["a"], to=TensorProto.INT32),
        helper.make_node("Unsqueeze", ["a", "axes"], ["b"]),
        helper.make_node("Squeeze", ["b", "axes"], ["c"]),
        helper.make_node("Identity", ["c"], ["d"]),
        *(embedding := gather("d", "table", rows=7))[:1],
    ]
    made = make_inputs(workload_of(tmp_path, [value("ids", [2, 50], INT64)], nodes, [embedding[1], indices(0)]))
    ids = made.arrays["ids"]
    assert ids.dtype == np.int64
    assert set(ids.ravel().tolist()) == set(range(7))
    assert made.lines == ("ids: integers from 0 to 6, rows of a table",)


def test_the_smallest_table_and_the_gathered_axis_bound(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["large", "ids"], ["a"]),
        helper.make_node("Gather", ["wide", "ids"], ["y"], axis=1),
    ]
    tables = [constant("large", 100, 3), constant("wide", 50, 3)]
    made = make_inputs(workload_of(tmp_path, [value("ids", [200], INT64)], nodes, tables))
    assert int(made.arrays["ids"].max()) == 2


def test_what_transformers_take(tmp_path: Path) -> None:
    inputs = [
        value("attention_mask", [1, 6], INT64),
        value("use_cache", [1], BOOL),
        value("token_type_ids", [1, 6], INT64),
        value("position_ids", [1, 6], INT64),
        value("length", [1], INT64),
        value("past_key_values.0.key", [1, 2, 0, 4]),
        value("pixels", [4], TensorProto.UINT8),
    ]
    segments, positions = gather("token_type_ids", "types", rows=2), gather("position_ids", "places", rows=4)
    made = make_inputs(workload_of(tmp_path, inputs, [segments[0], positions[0]], [segments[1], positions[1]]))
    arrays = made.arrays
    assert arrays["attention_mask"].tolist() == [[1] * 6]
    assert arrays["use_cache"].tolist() == [True]
    assert arrays["token_type_ids"].tolist() == [[0] * 6]
    assert arrays["position_ids"].tolist() == [[0, 1, 2, 3, 0, 1]]  # below 4, the rows of its table
    assert arrays["length"].tolist() == [1]
    assert arrays["past_key_values.0.key"].shape == (1, 2, 0, 4)
    assert arrays["pixels"].dtype == np.uint8
    assert len(made.lines) == len(inputs)


def test_bits_of_types_that_numpy_lacks(tmp_path: Path) -> None:
    inputs = [value("a", [1000], TensorProto.BFLOAT16), value("mask", [2], TensorProto.BFLOAT16)]
    arrays = make_inputs(workload_of(tmp_path, inputs)).arrays
    numbers = (arrays["a"].astype(np.uint32) << 16).view(np.float32)
    assert 0.9 < float(np.std(numbers)) < 1.1
    assert (arrays["mask"].astype(np.uint32) << 16).view(np.float32).tolist() == [1.0, 1.0]


def test_impossible_inputs_are_all_named(tmp_path: Path) -> None:
    workload = workload_of(tmp_path, [value("text", [1], TensorProto.STRING), value("q", [2], TensorProto.INT4)])
    with pytest.raises(InputsUnavailable) as error:
        make_inputs(workload)
    assert str(error.value) == (
        "inputs: no valid inputs can be made for the model\n"
        "  no string can be made @ text\n"
        "  no int4 can be made @ q\n"
        "  help: give them with --input NAME=FILE.npy"
    )


def test_inputs_beyond_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_module, "available_memory_bytes", lambda: 2**20)
    workload = workload_of(tmp_path, [value("x", [1024, 1024])])
    with pytest.raises(InputsUnavailable, match=r"the inputs take 4\.00 MiB, of 1\.00 MiB memory that is free"):
        make_inputs(workload)


def test_arrays_of_the_user_are_taken_as_they_are(tmp_path: Path) -> None:
    workload = workload_of(tmp_path, [value("x", [2, 3]), value("y", [1])])
    array = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    np.save(tmp_path / "x.npy", array)
    for source in (tmp_path / "x.npy", str(tmp_path / "x.npy"), array):
        made = make_inputs(workload, {"x": source})
        assert made.arrays["x"].tolist() == array.tolist()
        assert made.arrays["x"].flags.c_contiguous
        assert made.lines[0] == "x: given by the user" + ("" if source is array else ", x.npy")


def test_arrays_that_do_not_fit_are_all_named(tmp_path: Path) -> None:
    workload = workload_of(tmp_path, [value(name, [2]) for name in "abcdef"])
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "archive.npz", np.zeros(2, np.float32))
    (tmp_path / "text.npy").write_text("no array")
    zipfile.ZipFile(tmp_path / "empty.npz", "w").close()
    with pytest.raises(InvalidQuantity) as error:
        make_inputs(
            workload,
            {
                "a": np.zeros((3, 1), np.float64), "b": tmp_path / "pickled.npy", "c": tmp_path / "archive.npz",
                "d": tmp_path / "gone.npy", "e": tmp_path / "text.npy", "f": np.zeros(2, np.float32),
                "other": np.zeros(2),
            },
        )  # fmt: skip
    assert str(error.value) == (
        "--input: given arrays do not fit the network\n"
        "  is float64, the network takes float32 @ a\n"
        "  has shape [3, 1], the network takes [2] @ a\n"
        f"  {tmp_path}/pickled.npy is not a plain .npy file @ b\n"
        f"  {tmp_path}/archive.npz is an archive, not a .npy file @ c\n"
        f"  {tmp_path}/gone.npy cannot be read: No such file or directory @ d\n"
        f"  {tmp_path}/text.npy is not a plain .npy file @ e\n"
        "  the network has no such input, it has a, b, c, d, e, f @ other"
    )


def test_free_memory_is_the_tighter_of_the_machine_and_the_control_group(tmp_path: Path) -> None:
    assert (available_memory_bytes() or 0) > 2**20
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 8 kB\n")
    assert available_memory_bytes(root=tmp_path) == 8192
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("5000\n")
    (group / "memory.current").write_text("1000\n")
    assert available_memory_bytes(root=tmp_path) == 4000
    (group / "memory.max").write_text("max\n")
    assert available_memory_bytes(root=tmp_path) == 8192
