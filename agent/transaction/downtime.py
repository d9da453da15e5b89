"""How long the last windows took on this host, from the journals that are kept."""

from __future__ import annotations

from collections.abc import Iterable

from agent.host.reading import matching
from agent.state import State
from agent.transaction.journal import Journal
from agent.words.journal import Line, Noted, StepDone, StepStarted, UndoDone
from agent.words.notes import MaintenanceStarted
from agent.words.seen import PastWindow
from agent.words.shapes import Unreadable, read

# How many of them are told.
LAST = 5


def last_windows(state: State) -> tuple[PastWindow, ...]:
    """The last windows, the newest first."""
    folders = matching(state.transactions, "*")[::-1]
    found: list[PastWindow] = []
    for folder in folders:
        try:
            progress = Journal(folder).progress
            seconds = window_seconds(progress.lines)
        except Unreadable:
            continue
        if seconds is not None and progress.outcome:
            found.append(PastWindow(folder.name, progress.outcome, seconds))
        if len(found) == LAST:
            break
    return tuple(found)


def window_seconds(lines: Iterable[Line]) -> float | None:
    """How long maintenance was on, as it is told of past windows. Pure."""
    seconds = maintenance_seconds(lines)
    return None if seconds is None else round(seconds, 1)


def maintenance_seconds(lines: Iterable[Line]) -> float | None:
    """How long maintenance was on, from its start to its stop or to the fallback that stopped it, seconds. Pure.

    None where there was no window, or where it is still on.
    """
    return window(lines)[1]


def on_since(lines: Iterable[Line]) -> float | None:
    """When a window began that has not ended; None where there is none. Pure."""
    began, seconds = window(lines)
    return began if seconds is None else None


def window(lines: Iterable[Line]) -> tuple[float | None, float | None]:
    """When the window began, and how long it was, seconds; None for the latter while it is still on. Pure."""
    began = None
    for line in lines:
        says = line.says
        if isinstance(says, StepStarted) and says.step == "maintenance_start":
            began = line.at
        elif isinstance(says, StepDone) and says.step == "maintenance_start":
            start = read(MaintenanceStarted, says.note, "maintenance_start")
            began = None if start.skipped or start.unseen else began
        elif began is not None and (
            (isinstance(says, StepDone) and says.step == "maintenance_stop")
            or (isinstance(says, UndoDone) and says.action == "maintenance")
            or (isinstance(says, Noted) and says.step == "visitors" and says.note.get("shut") is False)
        ):
            return began, line.at - began
    return began, None
