"""When it is asked for sessions that a killed process has left in the database, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.django import sessions
from agent.host.command import CommandFailed
from agent.restart import background
from tests.unit.django_found import django_found
from tests.unit.journals import progress
from tests.unit.steps import really_undone

LEFT = 'pid 4711, ALTER TABLE "items_item" ADD COLUMN "colour" ...'
KILLED, DONE = ("maintenance_start",), ("maintenance_start", "migrate")


class Step:
    """As much of a fallback's step as this has to do with.

    + done: the steps that went well; tries: how often it was begun to take the database back; says: what Django says
    """

    def __init__(self, done: tuple[str, ...], tries: int = 1, kind: str = "deploy", says: Any = None) -> None:
        began = [{"event": "step started", "step": one} for one in DONE]
        ended = [{"event": "step done", "step": one} for one in done]
        undone = [{"event": "undo started", "action": "database"}] * tries
        self.progress = progress(
            {"event": "begin", "kind": kind, "was": "old", "started": "0"}, *began, *ended, *undone
        )
        self.transaction, self.begin = SimpleNamespace(), self.progress.begin
        self.version = "new"
        self.says = says or {}
        self.asked: list[tuple[str, str]] = []

    def django(self, step: Any, shape: Any, verb: str, version: str = "") -> Any:
        self.asked.append((verb, version))
        if isinstance(self.says, Exception):
            raise self.says
        return django_found(shape, **self.says)


@pytest.fixture(autouse=True)
def asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "django", lambda step, *asked, **more: step.django(step, *asked, **more))


@pytest.mark.parametrize(
    ("step", "asked"),
    [
        (Step(DONE), []),
        (Step(KILLED), [("end_sessions", "new")]),
        # The way back was killed, and is gone once more.
        (Step(DONE, tries=2), [("end_sessions", "new")]),
        # Only the version that is left has run something.
        (Step(KILLED, kind="revert"), [("end_sessions", "old")]),
    ],
)
def test_it_is_asked_where_something_may_have_been_killed(step: Any, asked: list[Any]) -> None:
    sessions.end_left(step)
    assert step.asked == asked


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ({"ended": [LEFT], "left": []}, f"  ended a session that was left in the database: {LEFT}\n"),
        ({"ended": [], "left": [LEFT]}, f"  WARNING: a session that was left in the database does not end: {LEFT}\n"),
        (
            CommandFailed("manage.py ended with exit code 1", "no such host"),
            "  whether sessions of this deploy are left in the database can't be told: "
            "manage.py ended with exit code 1\n",
        ),
    ],
)
def test_what_became_of_them_is_said_and_is_in_nothing_s_way(
    says: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions.end_left(Step(KILLED, says=says))  # type: ignore[arg-type]
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(("way", "asked"), [("keep", 1), ("reverse", 0)])
def test_where_the_database_is_kept_they_are_ended_with_the_commands(
    way: str, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "keep_words", lambda transaction: None)
    step: Any = Step(KILLED)
    step.transaction.output = str
    step.progress = replace(step.progress, notes={"checks": {"fallback": way}}, parsed={})
    really_undone("stop commands")(step)
    assert len(step.asked) == asked
