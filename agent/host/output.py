"""Telling the controller, as long as there is one."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from dataclasses import dataclass, field

from agent.text.lines import bounded, shown
from agent.words.result import Result, framed
from agent.words.shapes import to_json


@dataclass
class Said:
    """What this process has said that a person reads again when the run is over."""

    warnings: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


said = Said()


def emit(text: str) -> None:
    """Print a line. Nobody may be there to read it: the journal is what counts."""
    _print(as_said(text))


def warn(text: str) -> None:
    """Print a line that a person is to read once more at the end, since something is not as it should be."""
    said.warnings.append(as_said(text))
    emit(text)


def announce(text: str) -> None:
    """Print a line that a person is to read once more at the end: what was decided, and for what it has waited."""
    said.told.append(as_said(text))
    emit(text)


def as_said(text: str) -> str:
    """A text as it is printed: of bounded length, and nothing in it that a terminal, or our own controller, obeys."""
    return shown(bounded(text))


def conclude(result: Result) -> None:
    """Print how the call has ended, as its last line."""
    _print(framed(result))


def answer(found: object) -> None:
    """Print what the controller has asked for: one line of JSON, as long as it is."""
    _print(to_json(found))


def _print(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, flush=True)


def client_connected() -> bool:
    """Whether what we print can still be read: the pipe to the controller is closed when its link is."""
    output = select.poll()
    try:
        output.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return True
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0))


def go_on_without_reader() -> None:
    """Point the output nowhere, so that Python's own flush at the end finds no broken pipe."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
