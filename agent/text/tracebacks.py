"""What of a program's output tells a person why it failed. Pure."""

from __future__ import annotations

import re

from agent.text.lines import lines_of

TRACEBACK = "Traceback (most recent call last):"
# The markers that Python puts below a line of code, and brackets that end one: they say nothing by themselves.
_MARKS = re.compile(r"[\s~^)\]}]*[~^)\]}][\s~^)\]}]*")


def telling_lines(output: str) -> list[str]:
    """The lines of an output that say something: without a traceback's markers below its lines of code."""
    return [line for line in lines_of(output.strip()) if not (line.startswith(" ") and _MARKS.fullmatch(line))]


def reason(output: str) -> str:
    """The line that says why a program failed: of a traceback the first one of what was raised, else the last.

    A database's driver tells there what is wrong; the lines below it tell of other tries, or of nothing.
    """
    lines = [line for line in lines_of(output) if line.strip()]
    begins = max((number for number, line in enumerate(lines) if line.startswith(TRACEBACK)), default=None)
    if begins is not None:
        for line in lines[begins + 1 :]:
            if not line.startswith(" "):
                return line
    return lines[-1] if lines else ""
