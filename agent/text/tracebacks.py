"""What of a program's output tells a person why it failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from string import whitespace

from agent.text.lines import lines_of

TRACEBACK = "Traceback (most recent call last):"
# The markers that Python puts below a line of code, and brackets that end one: they say nothing by themselves.
_MARKS = "~^)]}"


def telling_lines(output: str) -> list[str]:
    """The lines of an output that say something: without a traceback's markers below its lines of code."""
    return [line for line in lines_of(output.strip()) if not (line.startswith(" ") and _only_points(line))]


def _only_points(line: str) -> bool:
    return bool(line.strip()) and not line.strip(_MARKS + whitespace)


def last_traceback(lines: Sequence[str]) -> list[str]:
    """The last whole traceback among lines, up to the first line of what was raised; nothing where there is none.

    Of one whose end is not there, who writes it may be at it just now, or who reads it has come in the middle.

    >>> last_traceback(["started", "Traceback (most recent call last):", "  File …", "KeyError: 'A'", "Shutting down"])
    ['Traceback (most recent call last):', '  File …', "KeyError: 'A'"]
    """
    starts = [number for number, line in enumerate(lines) if line.strip() == TRACEBACK]
    for start, stop in zip(reversed(starts), [len(lines), *reversed(starts)]):
        for number in range(start + 1, stop):
            if lines[number].strip() and not lines[number].startswith(" "):
                return list(lines[start : number + 1])
    return []


def reason(output: str) -> str:
    """The line that says why a program failed: of a traceback the first one of what was raised, else the last.

    A database's driver tells there what is wrong; the lines below it tell of other tries, or of nothing. What an
    installer says after that is what might help, and no reason.
    """
    lines = before_hints([line for line in lines_of(output) if line.strip()])
    return (last_traceback(lines) or lines or [""])[-1]


def telling_line(text: str) -> str:
    """The line that tells most of why a run was taken back: what was raised, where anything was; else the last line of
    a command's output, or our own first one, where what goes with it is from several logs.

    >>> telling_line("manage.py ended with exit code 1\\n  Applying…\\n  no such table")
    'no such table'
    >>> telling_line("not healthy within 30 s: it answers 502\\n/srv/web.log:\\n  [INFO] Booting worker")
    'not healthy within 30 s: it answers 502'
    """
    first, *below = [line for line in lines_of(text) if line.strip()] or [""]
    heads = [line for line in below if line.endswith(":") and not line.startswith(" ")]
    # What others have said stands below our own first line, set in; that of several logs each below its name.
    is_set_in = all(line.startswith("  ") for line in below if line not in heads)
    said = [line[2:] if line.startswith("  ") else line for line in below] if is_set_in else below
    raised = raised_at(said)
    if raised is not None:
        return said[raised].strip()
    if is_set_in and heads:
        return first.strip()
    return (reason("\n".join(said)) or first).strip()


def raised_at(lines: Sequence[str]) -> int | None:
    """Where the last traceback says what was raised, though its beginning be cut off; None where there is none.

    >>> raised_at(['  File "b.py", line 6, in fill', "    split()", "ValueError: too many", "Shutting down"])
    2
    """
    in_one, found = False, None
    for number, line in enumerate(lines):
        if line.startswith(" "):
            in_one = in_one or line.lstrip().startswith('File "')
        elif in_one:
            in_one, found = False, number
    return found


def before_hints(lines: Sequence[str]) -> list[str]:
    """The lines up to the first that is a hint.

    >>> before_hints(["error: no such package", "hint: try another index"])
    ['error: no such package']
    """
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith("hint: ")), len(lines))
    return list(lines[:first] or lines)
