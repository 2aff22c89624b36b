"""Atomic writes: whole or not at all, nothing left behind, nothing overwritten unasked."""

from pathlib import Path

import pytest

from attainable.errors import InputError, OutputExists
from attainable.files import safe_stem, write_atomically


def test_a_file_is_written_whole_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_atomically(path, b"whole", overwrite=False)
    assert path.read_bytes() == b"whole"
    assert path.stat().st_mode & 0o400
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    with pytest.raises(OutputExists) as caught:
        write_atomically(path, b"new", overwrite=False)
    assert str(caught.value) == f"{path}: exists already\n  help: choose another --output, or add --force"
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"


def test_a_failed_rename_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_atomically(tmp_path / "x", b"content", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_impossible_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, not a file"):
        write_atomically(tmp_path, b"", overwrite=True)
    with pytest.raises(InputError, match="its folder does not exist"):
        write_atomically(tmp_path / "no" / "x", b"", overwrite=True)


@pytest.mark.parametrize(
    ("name", "stem"), [("net.onnx", "net"), ("a b$(x).onnx", "a_b__x_"), ("x" * 300 + ".onnx", "x" * 80), ("..", "..")]
)
def test_a_new_name_begins_with_harmless_letters(name: str, stem: str) -> None:
    assert safe_stem(Path(name)) == stem
