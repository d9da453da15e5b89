"""How long visitors had to wait is read from a deploy's journal."""

from __future__ import annotations

from typing import Any

import pytest

from agent.transaction.downtime import window_seconds
from agent.words.journal import Line
from tests.unit.journals import line


def at(seconds: float, event: str, **fields: Any) -> Line:
    return line(event, at=seconds, **fields)


START = at(10.0, "step started", step="maintenance_start")
STARTED = at(10.5, "step done", step="maintenance_start", note={})
SKIPPED = at(10.5, "step done", step="maintenance_start", note={"skipped": "nothing is migrated"})
STOPPED = at(14.25, "step done", step="maintenance_stop", note={})
UNDONE = at(19.0, "undo done", action="maintenance")


@pytest.mark.parametrize(
    ("records", "seconds"),
    [
        ([START, STARTED, STOPPED], 4.2),
        ([START, STARTED, at(12.0, "undo done", action="links"), UNDONE], 9.0),
        ([START, UNDONE], 9.0),
        ([START, SKIPPED, STOPPED], None),
        ([START, STARTED], None),
        ([STOPPED], None),
        ([], None),
    ],
)
def test_a_window_is_as_long_as_from_its_start_to_its_stop_or_its_undoing(
    records: list[Line], seconds: float | None
) -> None:
    assert window_seconds(records) == seconds
