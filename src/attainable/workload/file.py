"""Looks at a model file before anybody parses it: what it is, how large, whether it may be opened at all.

A model file is hostile until proven otherwise: only regular files are opened, without waiting, and a file that is
evidently something else is named for what it is.
"""

import hashlib
import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from attainable.errors import AttainableError, ModelFileError

_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISSOCK: "a socket",
}

_PICKLE_HELP = "export it from your own code, e.g. torch.onnx.export(model, inputs, 'model.onnx')"

_PICKLE = "a Python pickle, which is never opened because it can run code"

_PICKLE_NAMES = frozenset({".pkl", ".pickle", ".joblib"})
"""Extensions of pickles; the oldest kinds have no signature."""

LARGEST_COPIED = 16 * 2**20
"""Bytes of a file that is copied into memory, so that nobody cuts it off under the reader; a larger one is mapped."""

_LFS_POINTER = b"version https://git-lfs"

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"<!doctype html", "a web page, not a model", "download the file itself, not the page that shows it"),
    (b"<html", "a web page, not a model", "download the file itself, not the page that shows it"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first (gunzip)"),
    (b"pk\x03\x04", "a zip archive or a PyTorch checkpoint", f"unpack it, or {_PICKLE_HELP}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"bzh", "a bzip2 archive", "unpack it first (bunzip2)"),
    (b"\xfd7zxz", "an xz archive", "unpack it first (unxz)"),
    (b"(\xb5/\xfd", "a Zstandard archive", "unpack it first (unzstd)"),
    (b"rar!\x1a\x07", "a RAR archive", "unpack it first"),
    *((bytes((0x80, protocol)), _PICKLE, _PICKLE_HELP) for protocol in range(2, 6)),
    (b"\x93numpy", "an array of NumPy, not a model", "give the path of an .onnx file"),
    (b"gguf", "a GGUF file, a format that is not read yet", "give an .onnx file"),
    (b"\x89hdf", "an HDF5 file (Keras)", "convert it to ONNX first, e.g. with tf2onnx"),
)

_SIGNATURES_INSIDE: tuple[tuple[int, bytes, str, str], ...] = (
    (4, b"TFL3", "a TFLite model", "give the file the extension .tflite"),
    (4, b"ORTM", "a model in the format of ONNX Runtime", "give the .onnx file that it was made of"),
    (8, b'{"', "a safetensors file, which has no graph", "give the model that uses these weights, as .onnx"),
    (257, b"ustar", "a tar archive", "unpack it first"),
)
"""Signatures that do not stand at the beginning, with their position."""

_ONNX_FIRST_BYTE = 0x08
"""The tag of ``ir_version``."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A regular file, opened for reading.

    Attributes:
        path: as the user named it.
        content: the bytes; those of a large file are mapped and not copied.
        bytes: size of the file.
    """

    path: Path
    content: mmap | bytes
    bytes: int

    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the content, read in blocks so that the weights never fill memory."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def open_model_file(path: Path, *, allow: bytes = b"") -> Generator[ModelFile]:
    """Open a model file, or say what it is instead.

    Args:
        path: as the user named it.
        allow: the signature of the reader's own format, where other readers refuse it: at byte 0 or 4.

    Raises:
        ModelFileError: the file is missing, not a regular file, unreadable, empty, of another format, or it changed
            while it was read.
    """
    where = str(path)
    try:
        before = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError(f"cannot be read: {reason or error}", where=where, help="check the path") from None
    if not stat.S_ISREG(before.st_mode):
        kind = next((name for test, name in _KINDS.items() if test(before.st_mode)), "not a regular file")
        raise ModelFileError(f"is {kind}, not a model file", where=where, help="give the path of an .onnx file")
    if before.st_size == 0:
        raise ModelFileError("is an empty file", where=where, help="export or download the model again")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror}", where=where, help="check its permissions") from None
    try:
        with _content(descriptor) as content:
            if not allow or allow not in (content[: len(allow)], content[4 : 4 + len(allow)]):
                _refuse_other_formats(content, path)
            yield ModelFile(path, content, before.st_size)
    except AttainableError:
        # half a file looks broken in many ways, and none of them helps
        _require_unchanged(descriptor, before, where)
        raise
    else:
        _require_unchanged(descriptor, before, where)
    finally:
        os.close(descriptor)


@contextmanager
def _content(descriptor: int) -> Generator[mmap | bytes]:
    size = os.fstat(descriptor).st_size
    if size <= LARGEST_COPIED:
        yield os.read(descriptor, size)
        return
    with mmap(descriptor, 0, access=ACCESS_READ) as content:
        yield content


def _require_unchanged(descriptor: int, before: os.stat_result, where: str) -> None:
    after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise ModelFileError("changed while it was read", where=where, help="wait until it is written, then try again")


def _refuse_other_formats(content: mmap | bytes, path: Path) -> None:
    where, first = str(path), content[:512]
    head = first.lower()
    if head.startswith(_LFS_POINTER):
        size = re.search(rb"^size (\d{1,19})$", first, re.MULTILINE)
        of_size = f" of {int(size[1])} bytes" if size else ""
        raise ModelFileError(
            f"is a Git LFS pointer, not the model{of_size} itself",
            where=where,
            help="run `git lfs pull` in its repository",
        )
    for signature, what, help in _SIGNATURES:
        if head.lstrip().startswith(signature) or head.startswith(signature):
            raise ModelFileError(f"is {what}", where=where, help=help)
    for position, signature, what, help in _SIGNATURES_INSIDE:
        # ONNX begins with its field 1, and may hold any text further on
        if first[0] != _ONNX_FIRST_BYTE and first.startswith(signature, position):
            raise ModelFileError(f"is {what}", where=where, help=help)
    if path.suffix.lower() in _PICKLE_NAMES:
        raise ModelFileError(f"is {_PICKLE}", where=where, help=_PICKLE_HELP)
