"""Paths between here and another machine: which stand for which, and which of a stranger's may be believed."""

import fnmatch
import os
import re
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

__all__ = ["Folders", "is_asked_for", "standing_for_root"]

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}")
_SAFE_PART = re.compile(r"[A-Za-z0-9_.,:@+-]{1,255}")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folder of a worker here and the one there, which stand for each other.

    Attributes:
        here: ours.
        there: the worker's.

    Raises:
        ValueError: what the other machine says is no path of a folder.
    """

    here: Path
    there: str

    def __post_init__(self) -> None:
        if not self.there.startswith("/") or not self.there.isprintable():
            raise ValueError("its folder has no path")

    def outward(self, value: object, named: list[str]) -> object:
        """The arguments of a request with the folder there for the folder here.

        Args:
            value: texts that are whole paths are replaced, in tables and lists as well.
            named: gets the names of the files, relative to the folder.
        """
        if isinstance(value, str):
            if value == str(self.here):
                return self.there
            if not value.startswith(f"{self.here}{os.sep}"):
                return value
            named.append(Path(value).relative_to(self.here).as_posix())
            return f"{self.there}/{named[-1]}"
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, object]", value).items()
            return {key: self.outward(each, named) for key, each in pairs}
        if isinstance(value, (list, tuple)):
            return [self.outward(each, named) for each in cast("Sequence[object]", value)]
        return value

    def inward(self, value: object, named: list[str]) -> object:
        """An answer with the folder here for the folder there, where it names a file directly in it.

        Args:
            value: as for ``outward``.
            named: gets the names of the files.
        """
        if isinstance(value, str):
            name = value.removeprefix(f"{self.there}/")
            if len(name) == len(value) or not _SAFE_NAME.fullmatch(name):
                return value
            named.append(name)
            return str(self.here / name)
        if isinstance(value, dict):
            return {key: self.inward(each, named) for key, each in cast("dict[str, object]", value).items()}
        if isinstance(value, list):
            return [self.inward(each, named) for each in cast("list[object]", value)]
        return value


@contextmanager
def standing_for_root(files: Mapping[str, str], folder: Path) -> Generator[Path]:
    """A folder with files of another machine, which stands for its ``/`` in this block.

    Args:
        files: content by path, as ``RemoteWorker.read`` gives them.
        folder: where to make it.
    """
    with tempfile.TemporaryDirectory(dir=folder) as made:
        for path, content in files.items():
            target = Path(made) / path
            # What is a file and a folder at once is left out: one machine has no such thing.
            with suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content, encoding="utf-8", errors="replace")
        yield Path(made)


def is_asked_for(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path that another machine names matches one of the patterns, and leads nowhere else."""
    parts = path.split("/")
    safe = all(_SAFE_PART.fullmatch(part) and part not in (".", "..") for part in parts)
    return safe and any(
        len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
        for wanted in (pattern.split("/") for pattern in patterns)
    )  # fmt: skip
