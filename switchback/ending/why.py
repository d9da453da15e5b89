"""Why a run has failed: of what its step and the app have said, the line that matters, and what shows where. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.text.tracebacks import before_hints, raised_at

# How much of a failed command's output is shown, and how many calls of a traceback.
OUTPUT_LINES, CALLS = 12, 4
FRAME = re.compile(r'\s+File "(.*)", line \d+')
# A call of these says nothing of where in the project it broke.
NOT_THE_PROJECT_S = re.compile(r"/site-packages/|/usr/(?:local/)?lib/|^<|/\.local/share/uv/")


@dataclass(frozen=True)
class Why:
    """Why a run has failed.

    + line: the one that says it best; sentence: what of ours has failed; output: what shows where
    """

    line: str
    sentence: str
    output: tuple[str, ...] = ()


def why(reason: Sequence[str], version: str) -> Why:
    """Take a reason apart: our own sentence first, and then the output that goes with it.

    + version: whose files are named by their paths within it
    """
    within = re.compile(rf"[^\s\"'=:]*/{re.escape(version)}/")
    sentence, *output = [within.sub("", line) for line in reason] or [""]
    lines = [line for line in unquoted(output) if says_much(line)]
    if not lines:
        return Why("", sentence)
    raised = raised_at(lines)
    if raised is None:
        # What an installer suggests below that is shown with the rest.
        says = len(before_hints(lines)) - 1
        return Why(lines[says].strip(), sentence, tuple([*lines[:says], *lines[says + 1 :]][-OUTPUT_LINES:]))
    return Why(lines[raised].strip(), sentence, tuple(_calls(lines[:raised])))


def unquoted(output: Sequence[str]) -> list[str]:
    """An output as it was, where all of it is set in."""
    lines = [line for line in output if line.strip()]
    while lines and all(line.startswith("  ") for line in lines) and not FRAME.match(lines[0]):
        lines = [line[2:] for line in lines]
    return lines


def says_much(line: str) -> bool:
    """Whether a line of output says anything by itself: from Python 3.11 on every other one of a traceback points."""
    return bool(line.strip("~^ )]}"))


def _calls(lines: Sequence[str]) -> list[str]:
    """The last calls that lead there, the project's own where there are any."""
    calls = [
        (found[1], lines[number : number + 2]) for number, line in enumerate(lines) if (found := FRAME.match(line))
    ]
    own = [call for call in calls if not NOT_THE_PROJECT_S.search(call[0])]
    return [line for _, call in (own or calls)[-CALLS:] for line in call]
