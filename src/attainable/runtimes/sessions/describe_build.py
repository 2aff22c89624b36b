"""Says what build of a runtime an interpreter has; run by path, with the names of a module and of its distribution.

Standard library and the runtime only. Run as a program it prints one line of JSON last; libraries print before it what
they like.
"""

import importlib
import importlib.metadata
import json
import sys
from typing import Any, cast


def open_session(arguments: "dict[str, Any]") -> "tuple[None, dict[str, object]]":
    """As a session file of a worker, on another machine: no session, and the description of ``described``."""
    return None, describe(arguments["described"], arguments["distribution"])


def describe(module: str, distribution: str) -> "dict[str, object]":
    """Import a runtime and give its version and build; ``fault`` where it cannot be imported."""
    try:
        imported: Any = importlib.import_module(module)
        version = importlib.metadata.version(distribution)
    except BaseException as error:  # a library that ends the interpreter is broken, too
        return {"fault": f"{type(error).__name__}: {error}"}
    build: dict[str, str] = {}
    for name, path in BUILDS.get(module, {}).items():
        try:
            build[name] = told(imported, path)
        except Exception as error:  # a release without this function is no fault
            build[name] = f"unknown ({type(error).__name__})"
    return {"version": version, "build": build}


BUILDS: "dict[str, dict[str, str]]" = {
    "onnxruntime": {"build": "get_build_info()", "providers": "get_available_providers()"},
    "openvino": {"build": "get_version()"},
    "torch": {"build": "__config__.show()", "cuda": "version.cuda", "commit": "version.git_version"},
    "MNN": {"build": "version()"},
}
"""For each module: what to ask it, as a path of attributes; the last is called where it ends in ``()``."""


def told(imported: Any, path: str) -> str:
    """What an attribute of a module says, on one line."""
    value: Any = imported
    for name in path.removesuffix("()").split("."):
        value = getattr(value, name)
    if path.endswith("()"):
        value = value()
    text = ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    return " ".join(text.split())


if __name__ == "__main__":
    sys.stdout.write(f"\n{json.dumps(describe(*sys.argv[1:3]))}\n")
