"""Journals for tests, from lines as they stand on disk, and the notes that are in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent.steps import order  # noqa: F401 - each step brings its note along
from agent.steps.fallback import undo_named
from agent.transaction.journal import Journal
from agent.transaction.progress import N, Progress, read_progress
from agent.words.journal import Begin, Event, Line, as_line, written
from agent.words.notes import Note, Undone
from agent.words.shapes import read, to_json
from tests.unit.healthy import host_settings

Record = dict[str, Any]
# What every line has, and a test need not say.
USUAL: dict[str, Record] = {
    "begin": {"kind": "deploy"},
    "step failed": {"reason": "it broke"},
    "fallback": {"reason": "it broke"},
    "ended": {"outcome": "refused"},
}


def line(event: str, at: float = 0.0, **fields: Any) -> Line:
    """A line of a journal."""
    if event == "begin":
        told = fields.get("settings", {})
        fields["settings"] = host_settings(**told) if isinstance(told, dict) else told
    found = as_line(json.loads(to_json({"at": at, "event": event, **USUAL.get(event, {}), **fields})))
    assert found
    return found


def says(event: str, **fields: Any) -> Event:
    """What a line says."""
    return line(event, **fields).says


def begun(**fields: Any) -> Begin:
    """What a deploy has begun with."""
    told = says("begin", **fields)
    assert isinstance(told, Begin)
    return told


def lines(*records: Mapping[str, Any]) -> list[Line]:
    """The lines of a journal."""
    return [line(**record) for record in records]


def progress(*records: Mapping[str, Any]) -> Progress:
    """How far a deploy has come, by its journal."""
    return read_progress(lines(*records))


def _shapes(shape: type[Note] = Note) -> Iterator[type[Note]]:
    yield shape
    for one in shape.__subclasses__():
        yield from _shapes(one)


def as_note(step: str, told: Note | Record) -> Note:
    """A step's note, from what a test says of it."""
    shape = {one.step: one for one in _shapes() if one.step}.get(step, Note)
    return told if isinstance(told, Note) else read(shape, json.loads(json.dumps(told)), step)


def as_undone(action: str, told: Undone | Record) -> Undone:
    """The note of an undo, from what a test says of it."""
    return told if isinstance(told, Undone) else read(undo_named(action).shape, json.loads(json.dumps(told)), action)


def noted(told: Mapping[str, Record]) -> Callable[[type[N]], N]:
    """What a step is told when it asks for earlier steps' notes."""
    return lambda shape: read(shape, json.loads(json.dumps(told.get(shape.step, {}))), shape.step)


def records_of(journal: Journal) -> list[Record]:
    """All lines of a journal, as they are on disk, or would be."""
    return [written(one) for one in journal.progress.lines]
