"""Profiles in TOML: what is written is read back, and a bad one lists all its faults."""

from pathlib import Path

import pytest

from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced
from attainable.devices.profile import format_profile, parse_profile, read_profile, write_profile
from attainable.errors import InputError

FULL = Device(
    name="toy",
    title='Toy "3000" \\ 5 µs\x7f\n',
    cores=4,
    roofs=(
        Roof("vector", "float32", 1, Sourced(32e9, "16 a cycle x 2 GHz", "specified")),
        Roof("vector", "float32", 4, Sourced(1.280000000000001e11, "4 cores", "measured")),
        Roof("matrix", "int8", None, Sourced(3.0e12, "a guess", "assumed")),
    ),
    memories=(
        Memory(
            "DRAM",
            Sourced(4.0 * 2**30, "data sheet", "specified"),
            (Bandwidth(1, Sourced(9e9, "a", "measured")), Bandwidth(None, Sourced(12.8e9, "b", "specified"))),
        ),
        Memory("L3", None, ()),
    ),
    launch_seconds=Sourced(5e-6, "driver call", "assumed"),
    conditions=(("clock", "2 GHz"), ('a "quoted" key.with dots', "x = [1]")),
)
SMALLEST = Device("bare", "Bare", None, (), ())


@pytest.mark.parametrize("device", [FULL, SMALLEST], ids=["full", "smallest"])
def test_what_is_written_is_read_back(device: Device, tmp_path: Path):
    path = tmp_path / "new" / "folder" / "toy.toml"
    write_profile(device, path)
    assert read_profile(path) == device
    assert [entry.name for entry in path.parent.iterdir()] == ["toy.toml"], "no temporary file is left"


def test_all_faults_are_listed_at_once_with_their_keys():
    text = """
        title = ""
        cores = 0
        coers = 4
        launch_seconds = 5e-6
        [[roofs]]
        engine = "scalar"
        dtype = "fp32"
        threads = true
        operations_per_second = { value = -1, kind = "guessed", source = "x" }
        [[roofs]]
        engine = "vector"
        dtype = "float32"
        [[memories]]
        name = "DRAM"
        [[memories.bandwidths]]
        bytes_per_second = { value = inf, kind = "assumed" }
        [[memories.bandwidths]]
        bytes_per_second = { value = "fast", kind = "assumed", source = "y" }
        [conditions]
        load = 3
    """
    with pytest.raises(InputError) as caught:
        parse_profile(text, "bad.toml")
    places = [fault.rpartition(" @ ")[2] for fault in caught.value.faults]
    assert sorted(places) == sorted(
        [
            "name",
            "title",
            "cores",
            "coers",
            "launch_seconds",
            "roofs[0].engine",
            "roofs[0].dtype",
            "roofs[0].threads",
            "roofs[0].operations_per_second.value",
            "roofs[0].operations_per_second.kind",
            "roofs[1].operations_per_second",
            "memories[0].bandwidths[0].bytes_per_second.value",
            "memories[0].bandwidths[0].bytes_per_second.source",
            "memories[0].bandwidths[1].bytes_per_second.value",
            "memories[0].bandwidths[1]",  # says the same as bandwidths[0]: both without threads
            "conditions.load",
        ]
    )
    message = str(caught.value)
    assert message.startswith("bad.toml: the device profile has 16 faults\n")
    assert (
        "  is 'guessed', must be one of specified, measured, assumed @ roofs[0].operations_per_second.kind" in message
    )
    assert "  is -1, must be positive and finite @ roofs[0].operations_per_second.value" in message


@pytest.mark.parametrize("text", ["roofs = 3", "roofs = [1]", "memories = 'x'"])
def test_a_list_that_is_none_is_a_fault(text: str):
    with pytest.raises(InputError, match="must be a list of tables"):
        parse_profile(f"name = 'a'\ntitle = 'b'\n{text}", "x.toml")


def test_a_file_that_is_no_toml_says_where(tmp_path: Path):
    path = tmp_path / "broken.toml"
    path.write_text("name = \n")
    with pytest.raises(InputError, match=r"broken\.toml: the device profile is not TOML: .*line 1"):
        read_profile(path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match="not UTF-8"):
        read_profile(path)
    with pytest.raises(InputError, match="cannot read the device profile: No such file"):
        read_profile(tmp_path / "absent.toml")


def test_numbers_survive_to_the_last_digit():
    device = Device("n", "n", None, (Roof("vector", "float32", 1, Sourced(0.1 + 0.2, "s", "measured")),), ())
    assert parse_profile(format_profile(device), "n") == device
