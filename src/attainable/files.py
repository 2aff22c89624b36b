"""Writes files so that a reader sees the old content or the new one, never half of it."""

import os
import tempfile
from pathlib import Path

from attainable.errors import InputError, OutputExists


def require_writable(path: Path, *, overwrite: bool) -> None:
    """Check before long work that a result can be written later.

    Raises:
        OutputExists: the file is there and ``overwrite`` is false.
        InputError: its folder does not exist, or it is a folder itself.
    """
    if path.is_dir():
        raise InputError("is a folder, not a file", where=str(path), help="name a file in it")
    if path.exists() and not overwrite:
        raise OutputExists("exists already", where=str(path), help="choose another --output, or add --force")
    if not path.parent.is_dir():
        raise InputError("its folder does not exist", where=str(path), help=f"create it: mkdir -p {path.parent}")


def safe_stem(path: Path) -> str:
    """The stem of a foreign file name, fit to begin a new one: letters, digits and ``-_.``, at most 80 of them."""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in path.stem)
    return kept[:80] or "model"


def write_atomically(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file through a temporary one in the same folder, renamed once it is complete.

    Raises:
        OutputExists: the file is there and ``overwrite`` is false.
        InputError: the folder is missing, read-only or full.
    """
    require_writable(path, overwrite=overwrite)
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files for the owner only; a report is as readable as any other new file
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", where=str(path), help="choose another --output"
        ) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
