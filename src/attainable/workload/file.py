"""Looks at a model file before anybody parses it: what it is, how large, whether it may be opened at all.

A model file is hostile until proven otherwise: only regular files are opened, without waiting, and a file that is
evidently something else is named for what it is.
"""

import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from attainable.errors import ModelFileError

_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISSOCK: "a socket",
}

_PICKLE_HELP = "export it from your own code, e.g. torch.onnx.export(model, inputs, 'model.onnx')"

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the model itself", "run `git lfs pull` in its repository"),
    (b"<!doctype html", "a web page, not a model", "download the file itself, not the page that shows it"),
    (b"<html", "a web page, not a model", "download the file itself, not the page that shows it"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first (gunzip)"),
    (b"pk\x03\x04", "a zip archive or a PyTorch checkpoint", f"unpack it, or {_PICKLE_HELP}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"bzh", "a bzip2 archive", "unpack it first (bunzip2)"),
    (b"\xfd7zxz", "an xz archive", "unpack it first (unxz)"),
    (b"\x80\x02", "a Python pickle, which is never opened because it can run code", _PICKLE_HELP),
    (b"\x80\x04", "a Python pickle, which is never opened because it can run code", _PICKLE_HELP),
    (b"\x80\x05", "a Python pickle, which is never opened because it can run code", _PICKLE_HELP),
    (b"gguf", "a GGUF file, a format that is not read yet", "give an .onnx file"),
    (b"\x89hdf", "an HDF5 file (Keras)", "convert it to ONNX first, e.g. with tf2onnx"),
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A regular file, opened for reading.

    Attributes:
        path: as the user named it.
        content: the bytes, mapped and not copied.
        bytes: size of the file.
    """

    path: Path
    content: mmap
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
        allow: the first bytes of the reader's own format, where other readers refuse them.

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
        with mmap(descriptor, 0, access=ACCESS_READ) as content:
            if not allow or content[: len(allow)] != allow:
                _refuse_other_formats(content, where)
            yield ModelFile(path, content, before.st_size)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise ModelFileError("changed while it was read", where=where, help="wait until it is written, then try again")


def _refuse_other_formats(content: mmap, where: str) -> None:
    head = content[:64].lower()
    for signature, what, help in _SIGNATURES:
        if head.lstrip().startswith(signature) or head.startswith(signature):
            raise ModelFileError(f"is {what}", where=where, help=help)
