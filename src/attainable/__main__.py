"""The program: ``attainable``, and the same as ``python -m attainable``."""

import sys

INTERRUPTED = 130
"""Exit code of a program that an interrupt ends: 128 and the number of the signal, as shells have it."""


def main() -> None:
    """Run the command line. An interrupt ends it without a traceback, also while it is still being imported."""
    try:
        from attainable.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
