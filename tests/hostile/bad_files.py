"""Bad inputs that are no model, or not the model that their name says: rows 1 to 8 and 47 to 56 of the table."""

import gzip
import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.hostile.bad_input import BadInput
from tests.hostile.onnx_seeds import SEEDS

_NOISE = Random(1)  # noqa: S311 - the same bytes every time

_VALID = SEEDS["image"].SerializeToString()

Writer = Callable[[Path], Path]


def _bytes(content: bytes, name: str = "model.onnx") -> Writer:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def _folder(folder: Path) -> Path:
    path = folder / "model.onnx"
    path.mkdir()
    return path


def _pipe(folder: Path) -> Path:
    path = folder / "model.onnx"
    os.mkfifo(path)
    return path


def _socket(folder: Path) -> Path:
    path = folder / "model.onnx"
    home = Path.cwd()
    # a socket's path may have 107 bytes only
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(home)
    return path


def _link(target: str) -> Writer:
    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        path.symlink_to(target)
        return path

    return write


def _zip(*entries: tuple[str, bytes], name: str, compressed: bool = False) -> Writer:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return _bytes(stream.getvalue(), name)


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("../../model.onnx")
        entry.size = len(_VALID)
        archive.addfile(entry, io.BytesIO(_VALID))
    return stream.getvalue()


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _nested_graphs(depth: int) -> bytes:
    """A graph in an attribute of a node of a graph ...; built from the inside, each level a few bytes longer."""
    graph = b""
    for _ in range(depth):
        graph = _field(1, _field(5, _field(6, graph)))  # GraphProto.node, NodeProto.attribute, AttributeProto.g
    return _field(7, graph)


def _torch_program(text: bytes, *, twice: bool = False) -> Writer:
    entries = [("model/models/model.json", text), *([("other/models/model.json", text)] if twice else [])]
    return _zip(*entries, name="model.pt2")


def _encrypted(folder: Path) -> Path:
    path = _torch_program(b"{}")(folder)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # the flag in the directory, which the local header contradicts
    path.write_bytes(content)
    return path


_TOUCH = """
import os, sys, time
path, end = sys.argv[1], time.monotonic() + 120
os.utime(path, ns=(1, 1))
if os.fork() == 0:
    count = 1
    while time.monotonic() < end and os.path.exists(path):
        count += 1
        os.utime(path, ns=(count, count))
"""
"""Changes the time of a file again and again until it is gone, in a process that outlives this one."""


def _changing(folder: Path) -> Path:
    path = _bytes(_VALID + _field(99, bytes(20_000_000)))(folder)
    subprocess.run([sys.executable, "-c", _TOUCH, path], check=True)
    return path


_PICKLE = pickle.dumps({"weights": [1.0, 2.0]}, protocol=2)
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 102443000\n"
_CHECKPOINT = _zip(("archive/data.pkl", _PICKLE), ("archive/version", b"3"), name="model.pt")

BAD_FILES: tuple[BadInput, ...] = (
    BadInput(1, "empty", _bytes(b""), "is an empty file"),
    BadInput(2, "truncated", _bytes(_VALID[: len(_VALID) // 2]), r"is not a valid ONNX protobuf \(byte \d+\)"),
    BadInput(2, "trailing garbage", _bytes(_VALID + b"\xff" * 64), r"is not a valid ONNX protobuf \(byte \d+\)"),
    BadInput(2, "random", _bytes(_NOISE.randbytes(4096)), r"is not a valid ONNX protobuf"),
    BadInput(2, "zeros", _bytes(bytes(4096)), r"is not a valid ONNX protobuf \(byte 0\)"),
    BadInput(2, "text", _bytes(b"import onnx\n" * 100), r"is not a valid ONNX protobuf"),
    BadInput(3, "web page", _bytes(b"\n <!DOCTYPE html><html><body>404</body></html>"), "is a web page, not a model"),
    BadInput(4, "Git LFS pointer", _bytes(_POINTER), r"is a Git LFS pointer[^\n]*102443000 bytes(.|\n)*git lfs pull"),
    BadInput(5, "gzip", _bytes(gzip.compress(_VALID)), "is a gzip archive(.|\n)*unpack", otherwise="never unpacked"),
    BadInput(5, "zip", _zip(("m.onnx", _VALID), name="model.onnx"), "is a zip archive", otherwise="never unpacked"),
    BadInput(5, "7z", _bytes(b"7z\xbc\xaf\x27\x1c" + bytes(64)), "is a 7z archive", otherwise="never unpacked"),
    BadInput(5, "tar", _bytes(_tar()), "is a tar archive", otherwise="never unpacked"),
    BadInput(5, "zstandard", _bytes(b"\x28\xb5\x2f\xfd" + bytes(64)), "is a Zstandard", otherwise="never unpacked"),
    BadInput(6, "folder", _folder, "is a folder, not a model file"),
    BadInput(6, "pipe", _pipe, "is a pipe, not a model file"),
    BadInput(6, "socket", _socket, "is a socket, not a model file"),
    BadInput(6, "device", _link("/dev/zero"), "is a device, not a model file"),
    BadInput(
        6, "device behind .cfg", lambda folder: _link("/dev/zero")(folder).rename(folder / "m.cfg"), "is a device"
    ),
    BadInput(6, "link to itself", _link("model.onnx"), "cannot be read"),
    BadInput(6, "missing", lambda folder: folder / "absent.onnx", "cannot be read: No such file"),
    BadInput(6, "name with NUL escaped", lambda folder: folder / "\x1b[2J.onnx", "cannot be read"),
    BadInput(7, "changes while read", _changing, "changed while it was read"),
    BadInput(8, "length of 2 GB", _bytes(b"\x3a\xff\xff\xff\xff\x07abc"), r"is not a valid ONNX protobuf \(byte 0\)"),
    BadInput(8, "length of 2^63", _bytes(b"\x3a" + b"\xff" * 9 + b"\x01"), "is not a valid ONNX protobuf"),
    BadInput(8, "unknown groups", _bytes(b"\xa3\x06" * 100_000), r"is not a valid ONNX protobuf \(byte 0\)"),
    BadInput(8, "2000 nested graphs", _bytes(_nested_graphs(2000)), "is not a valid ONNX protobuf"),
    BadInput(47, "checkpoint", _CHECKPOINT, "a Python pickle, which is never opened(.|\n)*torch.export"),
    BadInput(47, "old checkpoint", _bytes(_PICKLE, "model.pth"), "pickle|no zip archive"),
    BadInput(47, "pickle", _bytes(_PICKLE, "model.pkl"), "a Python pickle, which is never opened"),
    BadInput(
        47, "pickle of protocol 0", _bytes(pickle.dumps([1.0], protocol=0), "model.pkl"), "a Python pickle, which"
    ),
    BadInput(47, "joblib", _bytes(pickle.dumps([1.0], protocol=3), "m.joblib"), "a Python pickle, which"),
    BadInput(47, "TorchScript", _zip(("m/constants.pkl", _PICKLE), name="model.pt"), "is a TorchScript archive"),
    BadInput(
        48,
        "zip bomb",
        _zip(("m/models/model.json", bytes(50_000_000)), name="model.pt2", compressed=True),
        "is encrypted or compressed",
    ),
    BadInput(48, "entries of one name", _torch_program(b"{}", twice=True), "has two entries called"),
    BadInput(48, "contradicting flags", _encrypted, "is encrypted or compressed"),
    BadInput(48, "cut zip", _bytes(b"PK\x03\x04" + bytes(100), "model.pt2"), "is cut off|broken zip"),
    BadInput(
        48,
        "bytes behind the zip",
        _bytes(b"PK\x03\x04" + bytes(50) + b"PK\x05\x06" + b"\xff" * 18, "model.pt2"),
        "zip archive",
    ),
    BadInput(
        49,
        "safetensors of 2^63",
        _bytes(struct.pack("<Q", 2**63) + b'{"a":{}}', "model.safetensors"),
        "is a file of weights without a network",
        otherwise="the format is named, never read",
    ),
    BadInput(
        49,
        "safetensors as ONNX",
        _bytes(struct.pack("<Q", 60) + b'{"a":{"dtype":"F32"}}'),
        "is a safetensors file",
        otherwise="the format is named, never read",
    ),
    BadInput(
        50,
        "GGUF with counts of 2^63",
        _bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63), "model.gguf"),
        "is a GGUF file",
        otherwise="the format is named, never read",
    ),
    BadInput(51, "TFLite of 8 bytes", _bytes(b"\x18\x00\x00\x00TFL3", "model.tflite"), "is not a valid TFLite"),
    BadInput(
        51, "random flatbuffer", _bytes(b"\x20\x00\x00\x00TFL3" + _NOISE.randbytes(4096), "model.tflite"), "TFLite"
    ),
    BadInput(51, "TFLite as ONNX", _bytes(b"\x18\x00\x00\x00TFL3" + bytes(64)), "is a TFLite model"),
    BadInput(
        52,
        "negative id",
        _bytes(b"7767517\n2 2\nInput a 0 1 a 0=8\nReLU b 1 1 a b -7=1\n", "m.param"),
        "is no parameter from 0 to 31",
    ),
    BadInput(52, "10^9 layers", _bytes(b"7767517\n1000000000 1000000000\n", "m.param"), "says 1000000000 layers"),
    BadInput(52, "10^9 inputs", _bytes(b"7767517\n1 1\nInput a 1000000000 1 a\n", "m.param"), "names fewer blobs than"),
    BadInput(
        52, "binary, without its text", _bytes(bytes(range(256)), "m.param"), "is not a text file|not an ncnn network"
    ),
    BadInput(
        52,
        "weights are absent",
        _bytes(b"7767517\n2 2\nInput a 0 1 a 0=8\nReLU b 1 1 a b\n", "m.param"),
        "operations",
        code=0,
    ),
    BadInput(56, "JSON nested 100,000 deep", _torch_program(b"[" * 100_000), "is no exported program of PyTorch"),
    BadInput(56, "JSON with NaN", _torch_program(b'{"schema_version": NaN}'), "is no exported program of PyTorch"),
    BadInput(
        56,
        "JSON number of 10^6 digits",
        _torch_program(b'{"schema_version": {"major": ' + b"9" * 10**6 + b"}}"),
        "is no exported program of PyTorch",
    ),
    BadInput(
        56,
        "JSON with a key twice",
        _torch_program(b'{"schema_version": {"major": 8, "major": 1}}'),
        "has schema version 1.0",
    ),
    BadInput(56, "JSON of another kind", _torch_program(json.dumps([1, 2]).encode()), "is no exported program"),
)
"""In the order of the table."""
