"""Where the tool keeps what it measured, and where a user keeps profiles."""

import os
from pathlib import Path

PROJECT_FOLDER = Path("devices")
"""The folder of profiles of a project, seen from where the tool is started."""


def cache_folder() -> Path:
    """Where the tool keeps what it can measure again.

    ``$ATTAINABLE_CACHE``, else ``$XDG_CACHE_HOME/attainable``, else ``~/.cache/attainable``. The folder may not exist.
    """
    return _folder("ATTAINABLE_CACHE", "XDG_CACHE_HOME", ".cache")


def config_folder() -> Path:
    """Where a user keeps what the tool cannot make again; profiles lie in ``devices`` in it.

    ``$ATTAINABLE_CONFIG``, else ``$XDG_CONFIG_HOME/attainable``, else ``~/.config/attainable``. The folder may not
    exist.
    """
    return _folder("ATTAINABLE_CONFIG", "XDG_CONFIG_HOME", ".config")


def local_profile_path() -> Path:
    """The file that holds the calibration of this machine; it may not exist."""
    return cache_folder() / "devices" / "local.toml"


def _folder(own: str, base: str, at_home: str) -> Path:
    chosen = os.environ.get(own)
    if chosen:
        return Path(chosen).expanduser()
    shared = os.environ.get(base)
    return (Path(shared) if shared else Path.home() / at_home) / "attainable"
