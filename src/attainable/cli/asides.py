"""What commands without a page of their own say beside the result."""

import sys
from collections.abc import Iterable


def print_warnings(warnings: Iterable[str]) -> None:
    """Print each warning on a line of its own to stderr, harmless to a terminal whatever names it quotes."""
    # only a command that has something to say pays for the report's sentence cleaning
    from attainable.names import short_sentence

    for warning in warnings:
        print(f"warning: {short_sentence(warning)}", file=sys.stderr)
