"""The child's side of MNN, as far as it can be looked at without MNN."""

import importlib.util
import struct
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from attainable.runtimes.process import SESSIONS


@pytest.fixture(scope="module")
def session() -> ModuleType:
    specification = importlib.util.spec_from_file_location("mnn_session_under_test", SESSIONS / "mnn_session.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Buffer:
    """Writes a FlatBuffers file from its end, so that every offset leads forward."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, content: bytes) -> int:
        """Put bytes in front, aligned to four; gives their distance from the end."""
        self._bytes = content + bytes(-len(content) % 4) + self._bytes
        return len(self._bytes)

    def text(self, content: str) -> int:
        encoded = content.encode()
        return self.add(struct.pack("<I", len(encoded)) + encoded + b"\0")

    def numbers(self, *content: int) -> int:
        return self.add(struct.pack(f"<I{len(content)}i", len(content), *content))

    def references(self, *targets: int) -> int:
        start = len(self._bytes) + 4 * len(targets)
        offsets = [start - 4 * index - target for index, target in enumerate(targets)]
        return self.add(struct.pack(f"<I{len(targets)}I", len(targets), *offsets))

    def table(self, fields: int, *, numbers: Mapping[int, int] = {}, references: Mapping[int, int] = {}) -> int:
        """A table with an entry of four bytes for each of its fields; absent ones have the offset 0."""
        given = sorted({*numbers, *references})
        place = {field: 4 + 4 * index for index, field in enumerate(given)}
        length = 4 + 4 * len(given)
        index_bytes = 4 + 2 * fields
        padded = index_bytes + (-index_bytes % 4)
        start = len(self._bytes) + length
        body = b"".join(
            struct.pack("<i", numbers[field])
            if field in numbers
            else struct.pack("<I", start - place[field] - references[field])
            for field in given
        )
        index = struct.pack(
            f"<{2 + fields}H", index_bytes, length, *(place.get(field, 0) for field in range(fields))
        )  # fmt: skip
        self.add(struct.pack("<i", padded) + body)
        table = len(self._bytes)
        self.add(index)
        return table

    def finish(self, root: int) -> bytes:
        return struct.pack("<I", len(self._bytes) + 4 - root) + self._bytes


def test_the_operators_of_a_converted_model_are_read(session: ModuleType, tmp_path: Path) -> None:
    buffer = Buffer()
    # Net: field 3 is the operators, field 7 the names of tensors. Op: 0 inputs, 3 name, 4 outputs, 5 type.
    names = buffer.references(*(buffer.text(name) for name in ("x", "hidden state", "ü")))
    first = buffer.table(7, references={3: buffer.text("x"), 4: buffer.numbers(0)}, numbers={5: 34})
    second = buffer.table(
        7, references={0: buffer.numbers(0), 3: buffer.text("conv"), 4: buffer.numbers(1, 2)}, numbers={5: 12}
    )
    # An operator of type 0 leaves the field out, and so does one without inputs.
    third = buffer.table(7, references={3: buffer.text("abs"), 4: buffer.numbers(2)})
    net = buffer.table(12, references={3: buffer.references(first, second, third), 7: names})
    path = tmp_path / "model.mnn"
    path.write_bytes(buffer.finish(net))
    assert session._operators(str(path)) == [  # pyright: ignore[reportPrivateUsage]
        {"name": "x", "type": 34, "inputs": [], "outputs": [[0, "x"]]},
        {"name": "conv", "type": 12, "inputs": [[0, "x"]], "outputs": [[1, "hidden state"], [2, "ü"]]},
        {"name": "abs", "type": 0, "inputs": [], "outputs": [[2, "ü"]]},
    ]


def test_the_reason_is_what_mnn_does_not_always_print(session: ModuleType) -> None:
    words = session._Words(  # pyright: ignore[reportPrivateUsage]
        b"The device supports: i8sdot:0, fp16:0\n"
        b"Start to Convert Other Model Format To MNN Model..., target version: 3.6\n"
        b"[07:21:08] :46: ONNX Model ir version: 10\n"
        b"[07:21:08] :220: These Op Not Support: ONNX::Imagined \n"
        b"Converted Failed!\n"
    )
    assert words.reason() == "[07:21:08] :220: These Op Not Support: ONNX::Imagined"
