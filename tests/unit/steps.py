"""Steps and what undoes them, for tests: the real ones, and others in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.runs import carry_out
from agent.steps import order
from agent.steps.fallback import undo_named, undos
from agent.steps.kind import Phase
from agent.transaction.step import StepContext
from tests.unit.journals import as_note, as_undone

# What a step, or an undo, does: it returns its note, or what that would be on disk.
Does = Callable[[StepContext], Any]

BUILD, SWITCH = order.names(Phase.BUILD), order.names(Phase.SWITCH)
# Those that a run only has where the settings name something for them.
OPTIONAL = tuple(kind.name for kind in order.STEPS if kind.optional)
UNDOS = tuple(undo.name for undo in undos())


def really(name: str) -> Does:
    """What a step does, or that it has nothing to do, whatever stands in its place."""
    kind = order.named(name)
    assert kind
    own = type(kind)()
    return lambda step: carry_out.do(own, step)


def really_undone(name: str) -> Does:
    """What an action of a fallback does, whatever stands in its place."""
    return type(undo_named(name))().do


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, does: Does) -> None:
    """Have a step do something else; it always has something to do then."""
    kind = order.named(name)
    monkeypatch.setattr(kind, "do", lambda step: as_note(name, does(step)))
    monkeypatch.setattr(kind, "idle", lambda _: "")


def stand_in_for_undo(monkeypatch: pytest.MonkeyPatch, name: str, does: Does) -> None:
    """Have an action of a fallback do something else."""
    monkeypatch.setattr(undo_named(name), "do", lambda step: as_undone(name, does(step)))
