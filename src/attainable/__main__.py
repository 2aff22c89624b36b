"""The program: ``attainable``, and the same as ``python -m attainable``."""

import signal
import sys
from types import FrameType

_SIGNALLED = 128
"""Added to the number of the signal that ended a program, this is its exit code, as shells have it."""

_ENDINGS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))
_LATER_SECONDS = 0.01


def main() -> None:
    """Run the command line. A signal that ends it leaves no traceback, also while it is still being imported."""
    try:
        for number in _ENDINGS:
            # A program in the background or under nohup ignores some, and goes on to do so.
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, _end)
        from attainable.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(_SIGNALLED + signal.SIGINT)
    finally:
        # All is cleaned up. In what Python has left to do an exception would only be printed.
        for number in _ENDINGS:
            if signal.getsignal(number) is _end:
                signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    """End the program by an exception, so that it cleans up; once no import is under way.

    Inside one the exception could be lost in a callback of the import system, or come out as a RuntimeError of a class
    that is being made. Imports are short, and everywhere.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib") and hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda alarm, frame: signal.raise_signal(number))
            signal.setitimer(signal.ITIMER_REAL, _LATER_SECONDS)
            return
        frame = frame.f_back
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(_SIGNALLED + number)


if __name__ == "__main__":
    main()
