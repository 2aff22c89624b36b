import os
import re
from pathlib import Path

import pytest

from attainable.devices import targets
from attainable.devices.targets.table import read_table
from attainable.devices.targets.target import LimitSet, Source
from attainable.errors import InputError, UnknownName

MINIMAL = """
name = "toy"
title = "Toy NPU"
toolchain = "ToyCompiler 1"
complete = true
outside = "no"
beside = "CPU"
[sources.list]
document = "Toy guide"
section = "Operators"
date = "2024"
[[operators]]
types = ["Relu"]
support = "yes"
"""


def written(folder: Path, text: str, name: str = "toy.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", targets.names())
def test_a_table_that_ships_is_valid_and_names_its_documents(name: str) -> None:
    target = targets.load_target(name)
    assert target.name == name
    assert all(re.fullmatch(r"20\d\d(-\d\d)?|undated", source.date) for source in target.sources)
    assert all(
        entry.source in target.sources
        for entries in (target.entries, target.common, target.patterns)
        for entry in entries
    )


def test_what_is_refused_by_hand_says_what_to_do() -> None:
    # a limit that the document states for one operator is of use only with a way around it
    for name in ("rk3588-npu", "ethos-u55", "tensorrt"):
        for entry in targets.load_target(name).entries:
            assert entry.support != "no" or entry.help, (name, entry.operators)


def test_the_targets_of_the_issue_are_there() -> None:
    wanted = {"rk3588-npu", "rk3568-npu", "rk1808-npu", "hisilicon-nnie", "edgetpu", "ethos-u55", "tensorrt", "ascend"}
    assert wanted <= set(targets.names())
    assert len(targets.names()) >= 10


def test_a_target_can_share_the_table_of_another() -> None:
    first, second = targets.load_target("rk3588-npu"), targets.load_target("rk3568-npu")
    assert first.entries == second.entries
    assert (second.name, second.title) == ("rk3568-npu", "Rockchip RK3566 / RK3568 NPU")


def test_an_unknown_target_gets_the_nearest_names() -> None:
    with pytest.raises(UnknownName) as caught:
        targets.load_target("rk3588")
    assert "did you mean rk3588-npu" in caught.value.help
    assert "attainable check --targets" in caught.value.help


def test_a_table_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    text = (
        MINIMAL
        + """
[[operators]]
types = ["Conv"]
support = "partial"
limits = [{ max_kernel = 3 }, { strides = [1, 2], attributes = { auto_pad = ["NOTSET"], pads = [[0, 0, 0, 0]] } }]
outside = "fallback"
note = "n"
help = "h"
"""
    )
    target = targets.load_target(str(written(tmp_path, text)))
    conv = target.entries[1]
    assert conv.alternatives == (
        LimitSet((("max_kernel", 3),)),
        LimitSet((("strides", (1, 2)),), (("auto_pad", ("NOTSET",)), ("pads", ((0, 0, 0, 0),)))),
    )
    assert (conv.outside, conv.note, conv.help) == ("fallback", "n", "h")
    assert conv.source == Source("Toy guide", "Operators", "2024")


def test_all_faults_of_a_table_are_listed_at_once(tmp_path: Path) -> None:
    text = """
name = ""
title = "Toy"
toolchain = "T"
complete = "yes"
outside = "maybe"
colour = "red"
[sources.list]
document = "d"
section = "s"
[[operators]]
types = ["Relu", "Conv"]
support = "partial"
[[operators]]
types = ["Conv"]
support = "yes"
limits = { max_kernel = 0, widest = 3, groups = ["some"], strides = [], attributes = { mode = "nearest" } }
source = "other"
[[common]]
limits = {}
[[patterns]]
pattern = "shuffle"
support = "yes"
[[patterns]]
pattern = "channel_shuffle"
support = "partial"
"""
    with pytest.raises(InputError) as caught:
        read_table(written(tmp_path, text))
    faults = caught.value.faults
    assert caught.value.what == f"the support table has {len(faults)} faults"
    for expected in (
        "is '', must be a text that is not empty @ name",
        "is 'yes', must be true or false @ complete",
        "is 'maybe', must be one of no, fallback @ outside",
        "is missing @ beside",
        "is missing @ sources.list.date",
        "needs limits @ operators[0].support",
        "has limits, must be partial @ operators[1].support",
        "is 0, must be a whole number of at least 1 @ operators[1].limits.max_kernel",
        "is ['some'], must be a list of dense, depthwise, grouped @ operators[1].limits.groups",
        "is [], must be a list of whole numbers @ operators[1].limits.strides",
        "is 'nearest', must be a list of the values that it may have @ operators[1].limits.attributes.mode",
        "is 'other', must be one of list @ operators[1].source",
        "must be a table of limits that is not empty @ common[0].limits",
        "is 'shuffle', must be one of channel_shuffle, hard_swish, folded_batch_normalization @ patterns[0].pattern",
        "is 'partial', must be one of yes, no, fallback @ patterns[1].support",
        "names Conv, as operators[0] does, and not both have limits @ operators[1].types",
    ):
        assert expected in faults
    assert any(fault.startswith("is no limit; the limits are max_rank") for fault in faults)
    assert any(fault.startswith("is not a key of a support table") and fault.endswith("@ colour") for fault in faults)


def test_limits_of_two_documents_may_name_one_operator(tmp_path: Path) -> None:
    entry = '\n[[operators]]\ntypes = ["Conv"]\nsupport = "partial"\nlimits = { max_kernel = 3 }\n'
    assert len(read_table(written(tmp_path, MINIMAL + entry + entry)).entries) == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [("name = ", "is not TOML"), ("\xff", "is not UTF-8"), (None, "cannot read the support table")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str | None, what: str) -> None:
    path = tmp_path / "toy.toml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=what):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = " + "[" * 100_000, "nests too deep"),
        ("x = " + "9" * 5000, "has a number with too many digits"),
        ("#" * 2**20 + "\n", "has 1048577 bytes, at most 1048576 are read"),
        ("\ufeff" + MINIMAL, "begins with a byte order mark"),
    ],
)
def test_a_hostile_file_is_an_input_error(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        targets.load_target(str(written(tmp_path, text)))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="is no file"):
        targets.load_target(str(tmp_path / "pipe.toml"))


def test_a_reference_leads_to_a_table_and_not_out_of_the_folder(tmp_path: Path) -> None:
    chain = 'name = "a"\ntitle = "A"\nsame_table_as = "b"\n'
    written(tmp_path, chain, "b.toml")
    with pytest.raises(InputError, match="is itself a reference"):
        read_table(written(tmp_path, chain, "a.toml"))
    with pytest.raises(InputError) as caught:
        read_table(written(tmp_path, chain.replace('"b"', '"../b"'), "c.toml"))
    assert caught.value.faults == ("is '../b', must be the name of a target @ same_table_as",)
