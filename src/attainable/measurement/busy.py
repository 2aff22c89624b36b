"""A program that keeps a machine busy: run as ``python -I -S busy.py KIND PARENT BYTES``, standard library only.

``cpu`` turns over nothing, ``memory`` writes over BYTES of memory again and again, both without end. A dot on stdout
says that the load is on. It ends with its parent, whatever becomes of that.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_BLOCK = 2**24


def main(kind: str, parent: int, size: int) -> None:
    """Keep busy until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if sys.platform != "win32" and os.getppid() != parent:  # it died before the signal was armed
        os._exit(1)
    if kind == "memory":
        _stream(size)
    else:
        _announce()
        while True:
            pass


def _stream(size: int) -> None:
    memory = memoryview(bytearray(size))
    block = bytes(range(256)) * (_BLOCK // 256)
    announced = False
    while True:
        for start in range(0, size, _BLOCK):
            end = min(start + _BLOCK, size)
            memory[start:end] = block[: end - start]
        if not announced:
            _announce()
            announced = True


def _announce() -> None:
    os.write(1, b".")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
