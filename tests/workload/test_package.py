"""The size of a model in a package."""

import hashlib
import zlib
from pathlib import Path

import pytest

from attainable.errors import ModelFileError
from attainable.workload.package import compressed_bytes


def test_equal_bytes_compress_and_random_bytes_do_not(tmp_path: Path) -> None:
    size = 3 * 2**20 + 17  # more than one block, and a rest
    zeros, noise = tmp_path / "zeros", tmp_path / "noise"
    zeros.write_bytes(bytes(size))
    noise.write_bytes(hashlib.shake_128(b"noise").digest(size))
    assert compressed_bytes(zeros) < size / 500
    # stored blocks of at most 65,535 bytes, each with 5 bytes of header (RFC 1951, 3.2.4)
    assert size < compressed_bytes(noise) < size * 1.001


def test_reading_in_blocks_gives_what_compressing_at_once_gives(tmp_path: Path) -> None:
    content = b"".join(index.to_bytes(3) for index in range(700_000))  # 2.1 MB: three blocks
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    header_and_checksum = 2 + 4  # of the zlib format around the same stream (RFC 1950)
    assert compressed_bytes(path) == len(zlib.compress(content)) - header_and_checksum


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no regular file"):
        compressed_bytes(tmp_path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        compressed_bytes(tmp_path / "missing.onnx")
