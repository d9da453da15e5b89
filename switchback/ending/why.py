"""Why a run has failed: of what its step and the app have said, the line that matters, and what shows where. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.text.tracebacks import before_hints, raised_at

# How much of a failed command's output is shown, and how many calls of a traceback.
OUTPUT_LINES, CALLS = 12, 4
FRAME = re.compile(r'\s+File "(.*)", line \d+')
# What stands above the lines of a log, where there are several.
LOG = re.compile(r"(?:journal of .+|/.+):")
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
    if raised is None and any(map(is_log, lines)):
        # Of several logs nobody knows which one says it.
        return Why("", sentence, tuple(_each_once(lines)[-OUTPUT_LINES:]))
    if raised is None:
        # What an installer suggests below that is shown with the rest.
        says = len(before_hints(lines)) - 1
        return _told(lines[says], sentence, _each_once([*lines[:says], *lines[says + 1 :]])[-OUTPUT_LINES:])
    return _told(lines[raised], sentence, _calls(lines[:raised]))


def _told(line: str, sentence: str, output: Sequence[str]) -> Why:
    # The line stands before the sentence that leads to it, behind which there may be nothing else.
    return Why(line.strip(), sentence if output else sentence.removesuffix(":"), tuple(output))


def unquoted(output: Sequence[str]) -> list[str]:
    """An output as it was, where all of it is set in; that of several logs is, each below its name."""
    lines = [line for line in output if line.strip()]
    while any(not is_log(line) for line in lines) and all(line.startswith("  ") or is_log(line) for line in lines):
        lines = [line if is_log(line) else line[2:] for line in lines]
    return lines


def is_log(line: str) -> bool:
    """Whether a line names the log that those below it are from."""
    return bool(LOG.fullmatch(line))


def _each_once(lines: Sequence[str]) -> list[str]:
    """The lines of an output: what two logs have is said once, and a log that has no more than that is not named."""
    once = list(dict.fromkeys(lines))
    below = [*(is_log(line) for line in once[1:]), True]
    said = [line for line, next_is_log in zip(once, below, strict=False) if not (is_log(line) and next_is_log)]
    gap = "  " if any(map(is_log, said)) else ""
    return [line if is_log(line) else f"{gap}{line}" for line in said]


def says_much(line: str) -> bool:
    """Whether a line of output says anything by itself: from Python 3.11 on every other one of a traceback points."""
    return bool(line.strip("~^ )]}"))


def _calls(lines: Sequence[str]) -> list[str]:
    """The last calls that lead there, the project's own where there are any."""
    calls = [
        (found[1], lines[number : number + 2]) for number, line in enumerate(lines) if (found := FRAME.match(line))
    ]
    own = [call for call in calls if not NOT_THE_PROJECT_S.search(call[0])]
    # Each process has a log, and they may all have tripped over the same.
    return [line for call in list(dict.fromkeys(tuple(call) for _, call in own or calls))[-CALLS:] for line in call]
