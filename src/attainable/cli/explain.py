"""``attainable explain``: what a rule of the advisor means."""

from typing import Annotated

import typer


def explain(
    code: Annotated[str | None, typer.Argument(help="A rule, such as DSG005; all are listed without it.")] = None,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page of the documentation.")] = False,
) -> None:
    """Say what a rule sees, why that costs time, what to do, and where this is known from."""
    from attainable.advice import RULES
    from attainable.advice.explain import explanation, rule

    if code is None:
        for known in RULES.values():
            print(f"{known.code}  {known.title}")
        return
    found = explanation(rule(code))
    print(found.as_markdown() if markdown else found.as_text(), end="")
