"""How long the last windows took on this host, from the journals that are kept."""

from __future__ import annotations

from collections.abc import Sequence

from agent.state import State
from agent.transaction.journal import Journal, Record
from agent.words.foreseen import PastWindow

# How many of them are told.
LAST = 5


def last_windows(state: State) -> tuple[PastWindow, ...]:
    """The last windows, the newest first."""
    folders = sorted((state.root / "transactions").glob("*"), key=lambda folder: folder.name, reverse=True)
    found: list[PastWindow] = []
    for folder in folders:
        records = Journal(folder).records()
        seconds = window_seconds(records)
        ends = [record for record in records if record.get("event") == "ended"]
        if seconds is not None and ends:
            found.append(PastWindow(folder.name, ends[-1]["outcome"], seconds))
        if len(found) == LAST:
            break
    return tuple(found)


def window_seconds(records: Sequence[Record]) -> float | None:
    """How long maintenance was on, as it is told of past windows. Pure."""
    seconds = maintenance_seconds(records)
    return None if seconds is None else round(seconds, 1)


def maintenance_seconds(records: Sequence[Record]) -> float | None:
    """How long maintenance was on, from its start to its stop or to the fallback that stopped it, seconds. Pure.

    None where there was no window, or where it is still on.
    """
    return _window(records)[1]


def on_since(records: Sequence[Record]) -> float | None:
    """When a window began that has not ended; None where there is none. Pure."""
    began, seconds = _window(records)
    return began if seconds is None else None


def _window(records: Sequence[Record]) -> tuple[float | None, float | None]:
    """When the window began, and how long it was, seconds."""
    began = None
    for record in records:
        event = record.get("event")
        if event == "step started" and record.get("step") == "maintenance_start":
            began = record["at"]
        elif event == "step done" and record.get("step") == "maintenance_start":
            note = record.get("note") or {}
            began = None if note.get("skipped") or note.get("unseen") else began
        elif began is not None and (
            (event == "step done" and record.get("step") == "maintenance_stop")
            or (event == "undo done" and record.get("action") == "maintenance")
            or (record.get("step") == "visitors" and (record.get("note") or {}).get("shut") is False)
        ):
            return began, float(record["at"]) - float(began)
    return began, None
