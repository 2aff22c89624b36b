import io
import json
from pathlib import Path

import msgspec
import pytest
from onnx import helper
from rich.console import Console

from attainable.analysis.support_records import SupportCheck
from attainable.cli.checked import print_check
from attainable.devices import targets
from tests.cli.shown import Command
from tests.models import chain, model, save, value
from tests.report.evil import EVIL_NAMES

TABLE = """
name = "toy"
title = "Toy NPU"
toolchain = "ToyCompiler 1"
complete = {complete}
outside = "{outside}"
beside = "CPU"
[sources.list]
document = "Toy guide"
section = "Operators"
date = "2024"
[[operators]]
types = ["Conv", "Add"]
support = "yes"
"""


def table(folder: Path, *, complete: str = "true", outside: str = "no") -> Path:
    path = folder / "toy.toml"
    path.write_text(TABLE.format(complete=complete, outside=outside))
    return path


def test_a_network_that_a_target_takes_ends_with_0(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("check", save(chain(1), tmp_path), "--target", "rk3588-npu")
    assert shown.code == 0
    assert "all 3 ops taken" in shown.out
    assert "RKNNToolKit2_OP_Support-v2.1.0.md" in shown.out
    assert "batch dimension 'N' set to 1" in shown.err
    assert list(Path().iterdir()) == []


def test_what_is_refused_is_listed_and_ends_with_1(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("check", save(chain(2), tmp_path), "--target", table(tmp_path))
    assert shown.code == 1
    assert "4 of 6 ops taken, 2 refused" in shown.out
    # Conv | Relu | Add Conv | Relu | Add: a Relu reads of a Conv and is read by an Add
    assert "3 segments on the accelerator, 2 beside it; 4 tensors" in shown.out
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["refused", "Relu", "2", "not", "in", "the", "operator", "list"] in lines
    assert "Relu 8x14x14; ids 1, 4" in shown.out


@pytest.mark.parametrize(
    ("complete", "outside", "said"),
    [("true", "fallback", "2 of 3 ops taken, 1 on the CPU"), ("false", "no", "2 of 3 ops taken, 1 not listed")],
)
def test_a_fallback_and_a_gap_of_the_table_are_no_failure(
    attainable: Command, tmp_path: Path, complete: str, outside: str, said: str
) -> None:
    own = table(tmp_path, complete=complete, outside=outside)
    shown = attainable("check", save(chain(1), tmp_path), "--target", own)
    assert (shown.code, said in shown.out) == (0, True)


def test_several_targets_are_answered_in_turn_and_the_worst_decides(attainable: Command, tmp_path: Path) -> None:
    path = save(model([helper.make_node("Neg", ["x"], ["y"])], [value("x", [4])], ["y"]), tmp_path)
    shown = attainable("check", path, "--target", "axera-ax650", "--target", "rk3588-npu")
    assert shown.code == 1
    assert shown.out.index("axera-ax650") < shown.out.index("rk3588-npu")
    assert "help: multiply by a constant -1" in shown.out


def test_json_is_a_contract(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("check", save(chain(1), tmp_path), "--target", table(tmp_path), "--json")
    found = msgspec.json.decode(shown.out, type=SupportCheck)
    assert (shown.code, shown.err) == (1, "")
    assert (found.model, found.schema_version) == ("model", 1)
    assert (found.targets[0].taken, found.targets[0].refused) == (2, 1)
    assert found.targets[0].rows[0].ids == ["1"]
    assert json.loads(shown.out)["targets"][0]["rows"][0]["source"]["section"] == "Operators"
    assert len(found.warnings) == 1


def test_an_unknown_target_and_none_at_all_say_what_to_do(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    unknown = attainable("check", path, "--target", "rk3588")
    assert (unknown.code, unknown.out) == (2, "")
    assert "no target is called 'rk3588'" in unknown.err
    assert "did you mean rk3588-npu" in unknown.err
    missing = attainable("check", path)
    assert missing.code == 2
    assert "name a target; all: attainable check --targets" in missing.err


def test_all_targets_are_listed_with_their_toolchain(attainable: Command) -> None:
    shown = attainable("check", "--targets")
    assert shown.code == 0
    assert [line.split()[0] for line in shown.out.splitlines()] == list(targets.names())
    assert "RKNN-Toolkit2 2.1.0" in shown.out


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_foreign_text_never_reaches_the_screen_raw(name: str) -> None:
    source = {"document": name, "section": name, "date": name}
    row = {
        "status": "refused", "operator": name, "pattern": False, "reason": name, "label": name, "ids": [name],
        "macs": 1, "bytes_moved": 1, "note": name, "help": name, "source": source,
    }  # fmt: skip
    target = {
        "name": name, "title": name, "toolchain": name, "sources": [{**source, "date": "2024"}], "complete": True,
        "beside": name, "notes": [name], "ops": 2, "taken": 0, "refused": 1, "fallback": 1, "not_listed": 0,
        "unchecked": 1, "conditions": [name],
        "macs_share": 1.0, "bytes_share": 1.0, "segments": 1, "segments_beside": 1, "transfers": 1,
        "transfer_bytes": 1, "rows": [row],
    }  # fmt: skip
    result = msgspec.convert({"model": name, "path": name, "targets": [target]}, SupportCheck)
    out = io.StringIO()
    print_check(result, Console(file=out, width=80, markup=False, highlight=False, emoji=False))
    assert all(character.isprintable() or character == "\n" for character in out.getvalue())


def test_nothing_is_cut_at_80_columns(attainable: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = attainable("check", save(chain(2), tmp_path), "--target", table(tmp_path))
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert "…" not in shown.out
