"""Where profiles lie, which one a name stands for, and what is refused before it is read."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from attainable import devices
from attainable.devices import Device, catalogue
from attainable.devices.profile import format_profile
from attainable.errors import InputError, UnknownName

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a profile into one of the folders, in a world where all others are empty but the shipped one."""
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    folders = {"measured": tmp_path / "cache", "user": tmp_path / "config", "project": project}

    def write(origin: str, name: str, text: str | None = None) -> Path:
        path = folders[origin] / "devices" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(format_profile(Device(name, f"{name} ({origin})", None, (), ())) if text is None else text)
        return path

    return write


def title(name: str) -> str:
    return devices.load_device(name).title


def test_the_config_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CONFIG", "/a")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    assert devices.config_folder() == Path("/a")
    monkeypatch.delenv("ATTAINABLE_CONFIG")
    assert devices.config_folder() == Path("/x/attainable")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert devices.config_folder() == Path.home() / ".config/attainable"


def test_a_project_comes_before_the_config_folder_and_that_before_what_ships(write: Write) -> None:
    assert title("rk1808-npu") == "Rockchip RK1808 NPU"
    user = write("user", "rk1808-npu")
    assert title("rk1808-npu") == "rk1808-npu (user)"
    project = write("project", "rk1808-npu")
    entry = devices.find_entry("rk1808-npu")
    assert entry.read().title == "rk1808-npu (project)"
    assert (entry.origin, entry.path.resolve()) == ("project", project)
    assert [(hidden.origin, hidden.path) for hidden in entry.hides][:1] == [("user", user)]
    assert [hidden.origin for hidden in entry.hides] == ["user", "shipped"]


def test_what_was_measured_here_comes_first_and_this_machine_before_all(write: Write) -> None:
    for name in ("cuda-0", "local", "aaa"):
        write("measured", name)
    write("project", "0-board")
    found = devices.entries()
    assert [entry.name for entry in found[:4]] == ["local", "aaa", "cuda-0", "0-board"]
    assert title("cuda-0") == "cuda-0 (measured)"
    assert {entry.name for entry in found} >= set(devices.names()), "what ships is among them"


def test_no_other_profile_is_this_machine(write: Write) -> None:
    write("project", "local")
    write("user", "local")
    with pytest.raises(UnknownName, match="not calibrated yet"):
        devices.load_device("local")
    write("measured", "local")
    assert title("local") == "local (measured)"
    assert devices.find_entry("local").hides == ()


@pytest.mark.parametrize(
    "name", ["Toy-Board 3000", "toyboard3000", "TOY_BOARD_3000", "toy board", "ToyB", "toy-board-3000-npu"]
)
def test_capitals_and_dashes_do_not_matter_and_the_end_may_be_left_out(write: Write, name: str) -> None:
    write("user", "toy-board-3000-npu")
    assert devices.find_entry(name).name == "toy-board-3000-npu"


def test_the_names_of_the_issue_are_short_forms(write: Write) -> None:
    assert devices.find_entry("kirin-990").name == "kirin990-cpu"
    assert devices.find_entry("rk1808").name == "rk1808-npu"


def test_an_exact_name_wins_over_longer_ones_and_several_longer_ones_are_listed(write: Write) -> None:
    for name in ("zeta-1", "zeta-1-super", "zeta-2"):
        write("user", name)
    assert devices.find_entry("zeta-1").name == "zeta-1"
    assert devices.find_entry("ZETA1").name == "zeta-1", "all of its letters, others have more"
    with pytest.raises(UnknownName) as caught:
        devices.find_entry("zeta")
    assert str(caught.value) == ("3 devices begin with 'zeta'\n  help: name one of them: zeta-1, zeta-1-super, zeta-2")


@pytest.mark.parametrize("name", ["", " ", "-", "rk18O8-npu", "npu"])
def test_what_no_name_begins_with_is_refused(write: Write, name: str) -> None:
    with pytest.raises(UnknownName, match="no device is called"):
        devices.find_entry(name)


def test_an_unknown_name_suggests_the_nearest_and_where_all_are(write: Write) -> None:
    with pytest.raises(UnknownName) as caught:
        devices.find_entry("rk18O8-npu")
    assert "did you mean rk1808-npu" in str(caught.value)
    assert "all: `attainable devices list`; your own: the path of a .toml file" in str(caught.value)


def test_a_bad_profile_breaks_nothing_until_it_is_named_and_then_lists_every_fault(write: Write) -> None:
    path = write("project", "bad", "name = 'good'\ncores = 0\nspeed = 3\n")
    assert "bad" in {entry.name for entry in devices.entries()}
    assert title("rk1808-npu") == "Rockchip RK1808 NPU"
    with pytest.raises(InputError) as caught:
        devices.load_device("bad")
    # no title, no whole number of cores, an unknown key, and the wrong name
    assert caught.value.what == "the device profile has 4 faults"
    assert Path(caught.value.where).resolve() == path
    assert caught.value.faults[0] == "is 'good', must be that of the file, 'bad' @ name"
    assert {fault.rpartition(" @ ")[2] for fault in caught.value.faults} == {"name", "title", "cores", "speed"}
    assert caught.value.exit_code == 2


def test_a_name_that_is_not_that_of_the_file_is_a_fault_of_its_own(write: Write) -> None:
    write("user", "mine", format_profile(Device("yours", "Yours", None, (), ())))
    with pytest.raises(InputError) as caught:
        devices.load_device("mine")
    assert caught.value.faults == ("is 'yours', must be that of the file, 'mine' @ name",)


def test_a_path_may_have_any_name(write: Write) -> None:
    path = write("user", "mine", format_profile(Device("yours", "Yours", None, (), ())))
    assert devices.load_device(str(path)).name == "yours"


def test_a_bad_profile_of_the_user_is_not_replaced_by_what_ships(write: Write) -> None:
    write("user", "rk1808-npu", "name = ")
    with pytest.raises(InputError, match="not TOML"):
        devices.load_device("rk1808-npu")


def test_a_large_file_is_refused_before_it_is_read(write: Write) -> None:
    path = write("user", "large", format_profile(Device("large", "Large", None, (), ())))
    with path.open("ab") as stream:
        stream.write(b"#" * (2**20 - path.stat().st_size))
    assert title("large") == "Large", "1 MiB is allowed"
    os.truncate(path, 100 * 2**20)
    with pytest.raises(InputError, match="has 104857600 bytes, at most 1048576 are read"):
        devices.load_device("large")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_refused_and_not_waited_for(write: Write, make: Callable[[Path], None]) -> None:
    path = write("user", "odd")
    path.unlink()
    make(path)
    with pytest.raises(InputError, match="the device profile is no file"):
        devices.load_device("odd")


HEAD = "name = 'odd'\ntitle = 'Odd'\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "cores = " + "[" * 50_000,
        HEAD + "cores = " + "{a=" * 50_000,
        HEAD + "cores = " + "9" * 5000,
        HEAD + "power_watts = { kind = 'assumed', source = 'x', value = " + "9" * 400 + " }",
        HEAD.replace("Odd", "\x00"),
    ],
    ids=["arrays", "tables", "digits", "number", "zero"],
)
def test_hostile_text_is_a_fault_of_the_file(write: Write, text: str) -> None:
    path = write("user", "odd", text)
    with pytest.raises(InputError) as caught:
        devices.load_device("odd")
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_told(write: Write) -> None:
    write("user", "odd").write_bytes(HEAD.encode("utf-8-sig"))
    with pytest.raises(InputError, match=r"byte order mark.*\n  help: save it as UTF-8 without one"):
        devices.load_device("odd")


def test_bytes_that_are_no_text_are_a_fault(write: Write) -> None:
    write("user", "odd").write_bytes(HEAD.encode("utf-16"))
    with pytest.raises(InputError, match="not UTF-8"):
        devices.load_device("odd")


def test_endless_faults_are_counted_and_the_first_are_listed(write: Write) -> None:
    write("user", "odd", HEAD + "".join(f"key{index} = 1\n" for index in range(5000)))
    with pytest.raises(InputError) as caught:
        devices.load_device("odd")
    assert caught.value.what == "the device profile has 5000 faults"
    assert len(caught.value.faults) == 101
    assert caught.value.faults[-1] == "and 4900 more"


def test_a_path_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(InputError, match="no path"):
        devices.load_device("a\x00b.toml")
    with pytest.raises(InputError, match="No such file"):
        devices.load_device("absent.toml")


def test_only_so_many_files_of_a_folder_are_looked_at(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MOST_PROFILES", 3)
    for index in range(5):
        write("user", f"zz-{index}")
    assert len([entry for entry in devices.entries() if entry.origin == "user"]) == 3


def test_hidden_files_are_no_profiles(write: Write) -> None:
    write("user", ".mine")
    assert ".mine" not in {entry.name for entry in devices.entries()}


def test_an_entry_reads_what_was_written(write: Write) -> None:
    device = replace(Device("mine", "Mine", 3, (), ()), vendor="Me", category="npu")
    write("project", "mine", format_profile(device))
    assert devices.find_entry("mine").read() == device


DOCUMENTED = Path(__file__).parents[2] / "docs" / "use" / "devices.md"


def test_the_documented_profile_is_valid_and_the_documented_names_are_names(write: Write) -> None:
    text = DOCUMENTED.read_text(encoding="utf-8")
    write("project", "my-board", text.partition("```toml\n")[2].partition("```")[0])
    assert devices.load_device("my-board").ridge_point("matrix", "int8") == pytest.approx(4e12 / 12.8e9)
    for name, whole in {"kirin-990": "kirin990-cpu", "RK1808": "rk1808-npu", "i9 10980": "i9-10980xe"}.items():
        assert f"`{name}`" in text
        assert devices.find_entry(name).name == whole
