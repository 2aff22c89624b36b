"""The table of transforms."""

import subprocess
import sys

import pytest

from attainable.errors import UnknownName
from attainable.transforms import TRANSFORMS, transform


def test_names_are_keys() -> None:
    assert {name: change.name for name, change in TRANSFORMS.items()} == {"bn-fold": "bn-fold", "int8": "int8"}
    assert [change.exact for change in TRANSFORMS.values()] == [True, False]


@pytest.mark.parametrize(("name", "meant"), [("bn_fold", "bn-fold"), ("INT8", "int8"), ("int-8", "int8")])
def test_close_names_are_suggested(name: str, meant: str) -> None:
    with pytest.raises(UnknownName) as caught:
        transform(name)
    assert caught.value.help == f"did you mean {meant}? known: bn-fold, int8"


def test_the_table_loads_nothing_heavy() -> None:
    heavy = "{'onnx', 'onnx_ir', 'onnxruntime', 'numpy'}"
    code = f"import sys, attainable.transforms; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
