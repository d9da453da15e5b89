"""Sessions in the app's database that a killed process of a deploy has left: the database goes on with what it was
asked for, such as an ALTER TABLE that still waits, and every visitor behind it."""

from __future__ import annotations

from agent.django.manage import django
from agent.host.command import CommandFailed
from agent.host.output import emit, warn
from agent.inside.protocol import Sessions
from agent.text.lines import first_line
from agent.transaction.step import StepContext
from agent.words.journal import UndoStarted


def end_left(step: StepContext) -> None:
    """End those of this deploy, before it is looked at what is applied. What can't be ended is said."""
    if not _may_be_left(step):
        return
    revert = step.begin.kind == "revert"
    try:
        found = django(step, Sessions, "end_sessions", version=str(step.begin.was) if revert else step.version)
    except CommandFailed as problem:
        emit(f"  whether sessions of this deploy are left in the database can't be told: {first_line(str(problem))}")
        return
    for one in found.ended:
        emit(f"  ended a session that was left in the database: {one}")
    for one in found.left:
        warn(f"  WARNING: a session that was left in the database does not end: {one}")


def _may_be_left(step: StepContext) -> bool:
    """Whether something that worked with the database has not ended by itself: it takes a Django to ask."""
    tries = [line.says for line in step.progress.lines if isinstance(line.says, UndoStarted)]
    again = len([one for one in tries if one.action == "database"]) > 1
    return again or "migrate" not in step.progress.done
