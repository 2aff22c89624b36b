"""The program: ``attainable``, and the same as ``python -m attainable``."""

import signal
import sys
from types import FrameType

INTERRUPTED = 130
"""Exit code of a program that an interrupt ends: 128 and the number of the signal, as shells have it."""

_LATER_SECONDS = 0.01


def main() -> None:
    """Run the command line. An interrupt ends it without a traceback, also while it is still being imported."""
    try:
        # A program in the background ignores it, and goes on to do so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler and hasattr(signal, "setitimer"):
            signal.signal(signal.SIGINT, _interrupt)
            signal.signal(signal.SIGALRM, lambda number, frame: signal.raise_signal(signal.SIGINT))
        from attainable.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, once no import is under way.

    Inside one it could be lost in a callback of the import system, or come out as a RuntimeError of a class that is
    being made. Imports are short, and everywhere.
    """
    del number
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            signal.setitimer(signal.ITIMER_REAL, _LATER_SECONDS)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
