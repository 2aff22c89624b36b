"""Which interpreter runs a runtime. Runtimes' pins contradict each other, so that each may have one of its own.

Taken is, in this order: what the configuration file names (``[runtimes.openvino]`` with ``python = "..."`` in
``config.toml`` in the configuration folder), a managed environment that ``install`` made in the cache folder, and our
own interpreter where the runtime is installed in it. Nothing is imported to find out.

A managed environment is made beside its place and renamed when it is complete and its runtime imports, so that a
half-made one is never used.
"""

import importlib.metadata
import importlib.util
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from attainable.devices.folders import cache_folder, config_folder
from attainable.errors import InputError, RuntimeRefused
from attainable.runtimes import Requirement

__all__ = [
    "Interpreter",
    "Origin",
    "environment_folder",
    "find_interpreter",
    "interpreter_for",
    "read_settings",
    "text_setting",
]

Origin = Literal["configured", "managed", "own"]
"""Named in the configuration file, made by ``attainable runtimes install``, or the one that runs this program."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that has a runtime.

    Attributes:
        python: its path.
        origin: where it comes from.
    """

    python: str
    origin: Origin


def interpreter_for(name: str, requirement: Requirement) -> str:
    """The path of the interpreter that runs a runtime.

    Args:
        name: of the runtime, a key of ``RUNTIMES``.
        requirement: what it needs.

    Raises:
        RuntimeRefused: it is not installed; the help says how to install it.
        InputError: the configuration file is broken.
    """
    found = find_interpreter(name, requirement)
    if found is None:
        raise RuntimeRefused(f"{name} is not installed", help=f"attainable runtimes install {name}")
    return found.python


def find_interpreter(name: str, requirement: Requirement) -> Interpreter | None:
    """The interpreter that runs a runtime; None where it is not installed. Raises InputError as ``interpreter_for``."""
    configured = _configured_python(name)
    if configured is not None:
        return Interpreter(configured, "configured")
    managed = python_in(environment_folder(name))
    if managed.exists():
        return Interpreter(str(managed), "managed")
    return Interpreter(sys.executable, "own") if _is_installed_here(requirement) else None


def environment_folder(name: str) -> Path:
    """Where the managed environment of a runtime is, or would be."""
    return cache_folder() / "runtimes" / name


def python_in(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _is_installed_here(requirement: Requirement) -> bool:
    if importlib.util.find_spec(requirement.module) is None:
        return False
    try:
        # A folder of that name where the program was started is no runtime.
        importlib.metadata.version(requirement.distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _configured_python(name: str) -> str | None:
    python = text_setting(read_settings(), "runtimes", name, "python")
    return None if python is None else shutil.which(Path(python).expanduser()) or str(Path(python).expanduser())


def read_settings() -> dict[str, object]:
    """The configuration file, ``config.toml`` in the configuration folder; empty where there is none.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    path = _settings_file()
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not TOML: {error}", where=str(path)) from None


def text_setting(settings: dict[str, object], *keys: str) -> str | None:
    """A text in the configuration, by the keys that lead to it; None where it is not there.

    Raises:
        InputError: it is no text, or what leads to it is no table.
    """
    for key in keys[:-1]:
        settings = _table(settings, key)
    value = settings.get(keys[-1])
    if value is not None and (not isinstance(value, str) or not value):
        raise InputError(f"{'.'.join(keys)} is not {_MEANINGS[keys[-1]]}", where=str(_settings_file()))
    return value


_MEANINGS = {"python": "the path of an interpreter", "folder": "the path of a folder"}
"""What a setting has to be."""


def _settings_file() -> Path:
    return config_folder() / "config.toml"


def _table(settings: dict[str, object], key: str) -> dict[str, object]:
    found = settings.get(key, {})
    if not isinstance(found, dict):
        raise InputError(f"{key} is not a table", where=str(_settings_file()), help=f"write [{key}]")
    return cast("dict[str, object]", found)
