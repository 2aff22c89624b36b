"""Exported programs are read without PyTorch and without unpickling; what is hostile or something else is refused."""

import json
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from attainable.cost.count import count
from attainable.errors import InvalidQuantity, ModelFileError, ModelGraphError, UnboundDimensions
from attainable.workload import load
from attainable.workload.torch import archive as archives
from tests.workload.torch_archives import Json, archive, named, node, program, tensor

SYMBOL = "Symbol('s0', positive=True, integer=True)"


def test_program_is_read_with_scope_shapes_and_parameters(tmp_path: Path) -> None:
    workload = load(archive(tmp_path, program()))
    gemm, relu = workload.ops
    assert (gemm.kind, relu.kind, gemm.scope, gemm.output.shape) == ("Gemm", "Relu", "block/fc", (3, 5))
    assert workload.provenance.format == "torch"
    assert workload.provenance.producer == "torch 2.13.0"
    totals = count(workload).totals
    assert (totals.macs, totals.parameters) == (3 * 4 * 5, 20)


def test_reading_loads_no_torch(tmp_path: Path) -> None:
    path = archive(tmp_path, program())
    code = (
        f"import sys, attainable; attainable.load({str(path)!r}); print('torch' in sys.modules, 'onnx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_weights_in_one_file_are_one_parameter(tmp_path: Path) -> None:
    content = program()
    graph, signature = content["graph_module"]["graph"], content["graph_module"]["signature"]
    graph["tensor_values"] |= {"p_other": tensor(5, 4), "y": tensor(3, 5)}
    graph["nodes"].append(node("linear.default", "y", input=named("x"), weight=named("p_other")))
    signature["input_specs"].append({"parameter": {"arg": {"name": "p_other"}, "parameter_name": "other.weight"}})
    config = {name: {"path_name": "weight_0", "tensor_meta": tensor(5, 4)} for name in ("fc.weight", "other.weight")}
    weights = json.dumps({"config": config}).encode()
    entries = {"data__weights__weight_0": bytes(80), "data__weights__model_weights_config.json": weights}
    counted = count(load(archive(tmp_path, content, **entries)))
    assert counted.totals.parameters == 20
    assert [entry.shared for entry in counted.ops] == [False, False, True]
    entries["data__weights__weight_0"] = b""  # weights without storage share nothing
    assert count(load(archive(tmp_path, content, **entries))).totals.parameters == 40


def test_buffer_is_no_parameter_wherever_it_is_used(tmp_path: Path) -> None:
    content = program()
    content["graph_module"]["signature"]["input_specs"][0] = {
        "buffer": {"arg": {"name": "p_fc_weight"}, "buffer_name": "table", "persistent": True}
    }
    totals = count(load(archive(tmp_path, content))).totals
    assert (totals.parameters, totals.buffer_bytes) == (0, 80)


def test_lone_batch_symbol_becomes_one_with_a_note(tmp_path: Path) -> None:
    workload = load(archive(tmp_path, program(SYMBOL)))
    assert workload.inputs[0].shape == (1, 4)
    assert workload.notes == ("batch dimension 's0' set to 1; choose another with --batch or --shape",)


@pytest.mark.parametrize("binding", [{"s0": 6}, {"x": (6, 4)}])
def test_symbol_is_bound_by_its_name_or_by_the_shape_of_an_input(tmp_path: Path, binding: dict[str, int]) -> None:
    assert load(archive(tmp_path, program(SYMBOL)), binding).outputs[0].shape == (6, 5)


def test_batch_binds_the_first_axis(tmp_path: Path) -> None:
    assert load(archive(tmp_path, program(SYMBOL)), batch=7).outputs[0].shape == (7, 5)


def test_formula_in_a_shape_is_evaluated(tmp_path: Path) -> None:
    content = program(SYMBOL)
    doubled = tensor(f"Add(Mul(Integer(2), {SYMBOL}), Integer(1))", 5)
    content["graph_module"]["graph"]["tensor_values"]["relu"] = doubled
    assert load(archive(tmp_path, content), {"s0": 6}).outputs[0].shape == (13, 5)


def test_unbound_symbols_are_asked_for(tmp_path: Path) -> None:
    content = program(SYMBOL)
    content["graph_module"]["graph"]["tensor_values"]["x"] = tensor(SYMBOL, "Symbol('s1')")
    with pytest.raises(UnboundDimensions, match=re.escape("complete: --shape s0=? --shape s1=?   (x: s0xs1)")):
        load(archive(tmp_path, content))


@pytest.mark.parametrize(
    ("binding", "fault"),
    [
        ({"z": 3}, "no dimension or input has this name @ z"),
        ({"x": (3, 9)}, r"the program fixes this axis at 4, not 9 @ x\[1\]"),
        ({"x": (3,)}, "the program has 2 axes, the flag 1 @ x"),
        ({"s0": 2, "x": (3, 4)}, r"s0 is 2 elsewhere, not 3 @ x\[0\]"),
    ],
)
def test_wrong_bindings_are_refused(tmp_path: Path, binding: dict[str, int], fault: str) -> None:
    with pytest.raises(InvalidQuantity, match=fault):
        load(archive(tmp_path, program(SYMBOL)), binding)


def test_size_known_at_run_time_only_is_listed(tmp_path: Path) -> None:
    content = program()
    content["graph_module"]["graph"]["tensor_values"]["relu"] = tensor("Symbol('u0')", 5)
    counted = count(load(archive(tmp_path, content)))
    assert counted.totals.at_least
    assert counted.coverage.unresolved == ("1",)


def test_unknown_operator_is_listed(tmp_path: Path) -> None:
    content = program()
    content["graph_module"]["graph"]["nodes"][1]["target"] = "torch.ops.torchvision.nms.default"
    counted = count(load(archive(tmp_path, content)))
    assert counted.coverage.kinds_without_rule == ("torchvision:nms",)
    assert counted.totals.at_least


def broken_graphs() -> dict[str, tuple[Json, str]]:
    """Contents that parse, and what is said of them."""
    missing, unknown_dtype, negative, expression, output = (program() for _ in range(5))
    missing["graph_module"]["graph"]["nodes"].pop(0)
    unknown_dtype["graph_module"]["graph"]["tensor_values"]["linear"]["dtype"] = 99
    negative["graph_module"]["graph"]["tensor_values"]["linear"] = tensor(-1, 5)
    expression["graph_module"]["graph"]["tensor_values"]["linear"] = tensor("__import__('os').getpid()", 5)
    output["graph_module"]["signature"]["output_specs"][0]["user_output"]["arg"] = named("nothing")
    return {
        "missing": (missing, "relu reads 'linear', which nothing makes"),
        "dtype": (unknown_dtype, "element type 99 is unknown @ linear"),
        "negative": (negative, "-1 is no dimension @ linear"),
        "expression": (expression, "cannot be evaluated"),
        "output": (output, "output 'nothing' is made by nothing"),
    }


@pytest.mark.parametrize("name", broken_graphs())
def test_broken_graph_is_refused(tmp_path: Path, name: str) -> None:
    content, fault = broken_graphs()[name]
    with pytest.raises(ModelGraphError, match=re.escape(fault)):
        load(archive(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b'{"schema_version": ', "is no exported program of PyTorch: "),
        (b"[" * 100_000, "is no exported program of PyTorch: "),
        (b'{"schema_version": {"major": 8}, "more": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"schema_version": {"major": 8}}', "missing required field `graph_module`"),
        (b'{"schema_version": {"major": 9, "minor": 1}}', "has schema version 9.1; version 8 is read"),
        (json.dumps(program()).replace("7", "1e999", 1).encode(), "is no exported program of PyTorch: "),
    ],
)
def test_broken_json_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    with pytest.raises(ModelFileError, match=re.escape(fault)):
        load(archive(tmp_path, content))


def test_graphs_in_graphs_have_a_limit(tmp_path: Path) -> None:
    content = program()
    graph = content["graph_module"]["graph"]
    inner: Json = {"inputs": [], "outputs": [], "nodes": [], "tensor_values": {}, "sym_int_values": {}}
    for depth in range(20):
        call = node("", f"out{depth}", body={"as_graph": {"name": "body", "graph": inner}})
        call["target"] = "torch.ops.higher_order.wrap_with_set_grad_enabled"
        inner = {**inner, "nodes": [call]}
    graph["nodes"] = [*inner["nodes"], *graph["nodes"]]
    with pytest.raises(ModelGraphError, match="graphs are nested more than 16 deep"):
        load(archive(tmp_path, content))


def test_pickled_checkpoint_is_refused_and_not_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "opened",)

    for name in ("model.pt", "model.pth", "model.ckpt"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(ModelFileError, match="is a Python pickle, which is never opened"):
            load(tmp_path / name)
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("data.pkl", "is a PyTorch checkpoint: a Python pickle, which is never opened"),
        ("constants.pkl", "is a TorchScript archive, which holds Python pickles"),
        ("readme.txt", "is a zip archive without an exported program"),
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pt2", ".ckpt"])
def test_other_archives_are_named(tmp_path: Path, entry: str, what: str, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"model/{entry}", b"\x80\x02.")
    with pytest.raises(ModelFileError, match=f"{what}(.|\n)*torch.export.save"):
        load(path)


def test_exported_program_is_told_by_its_content_not_its_suffix(tmp_path: Path) -> None:
    path = archive(tmp_path, program()).rename(tmp_path / "model.pt")
    assert len(load(path).ops) == 2


def test_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model/models/model.json", b" " * 10**8)
    assert path.stat().st_size < 200_000
    with pytest.raises(ModelFileError, match="is encrypted or compressed"):
        load(path)


def test_large_and_dense_graphs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelFileError, match="nothing but empty records"):
        load(archive(tmp_path, b'{"schema_version": {"major": 8}, "graph_module": [' + b"{}," * 400_000 + b"{}]}"))
    monkeypatch.setattr(archives, "LARGEST_GRAPH", 500)
    with pytest.raises(ModelFileError, match="bytes; at most 500 are read"):
        load(archive(tmp_path, program()))


def test_too_many_entries_are_refused_by_the_size_of_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path, program(), **{f"data__weights__weight_{index}": b"" for index in range(50)})
    monkeypatch.setattr(archives, "LARGEST_DIRECTORY", 1000)
    with pytest.raises(ModelFileError, match=r"a directory of .* bytes; at most 1000 are read"):
        load(path)


def test_repeated_entry_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, program())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as file:
        file.writestr("model/models/model.json", b"{}")
    with pytest.raises(ModelFileError, match=r"two entries called 'models/model\.json'"):
        load(path)


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, program(), data__weights__weight_0=bytes(80))
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            load(path)
    for position in range(0, len(whole), 13):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x5A]) + whole[position + 1 :])
        try:
            count(load(path))
        except (ModelFileError, ModelGraphError, UnboundDimensions):
            continue
