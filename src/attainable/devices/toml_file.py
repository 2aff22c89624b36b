"""What a TOML file of a user must be before it is read: a regular file, small, without a byte order mark."""

import stat
import tomllib
from codecs import BOM_UTF8
from contextlib import suppress
from pathlib import Path
from typing import Any

from attainable.errors import InputError

LARGEST_BYTES = 2**20
"""Larger files are not read; the largest profile that ships has a few ten KiB."""


def require_small_text(path: Path, what: str) -> None:
    """Refuse what is no small file; ``what`` names it in errors, such as ``device profile``. Raises InputError."""
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"cannot read the {what}: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise InputError(f"is no path of a {what}", where=str(path)) from error
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"the {what} is no file", where=str(path), help="name a .toml file")
    if state.st_size > LARGEST_BYTES:
        raise InputError(f"the {what} has {state.st_size} bytes, at most {LARGEST_BYTES} are read", where=str(path))
    with suppress(OSError), path.open("rb") as stream:
        if stream.read(len(BOM_UTF8)) == BOM_UTF8:
            raise InputError(
                f"the {what} begins with a byte order mark, which TOML does not know", where=str(path),
                help="save it as UTF-8 without one",
            )  # fmt: skip


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a small file; ``what`` names it in errors. Raises InputError."""
    require_small_text(path, what)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the {what}: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"the {what} is not UTF-8 text", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the {what} is not TOML: {error}", where=str(path)) from error
    except RecursionError as error:
        raise InputError(f"the {what} nests too deep", where=str(path)) from error
    except ValueError as error:
        raise InputError(f"the {what} has a number with too many digits", where=str(path)) from error
