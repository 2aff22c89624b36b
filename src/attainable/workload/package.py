"""How large a model is in a package: its file as it is, and as an archive or a download would hold it."""

import stat
import zlib
from pathlib import Path

from attainable.errors import ModelFileError

_BLOCK_BYTES = 1 << 20


def compressed_bytes(path: Path) -> int:
    """Bytes of the file after DEFLATE at its default level, as zip, apk and HTTP's gzip do, headers apart.

    The file is read in blocks, so that its size does not matter for memory; 100 MB take a few seconds. Weights in
    other files are not part of it.

    Raises:
        ModelFileError: the file cannot be read.

    Source: Deutsch, DEFLATE Compressed Data Format Specification, RFC 1951.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ModelFileError("is no regular file", where=str(path), help="give the path of a model file")
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        total = 0
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                total += len(deflate.compress(block))
        return total + len(deflate.flush())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError(f"cannot be read: {reason or error}", where=str(path), help="check the path") from None
