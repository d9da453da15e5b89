"""A host that is lost as it is told that all are well is told once more, and the others do as it has heard it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from paramiko import SSHException

from agent.words.outcomes import Outcome
from agent.words.requests import SCHEMA, AllWell, Commit
from agent.words.result import Result, framed
from switchback.hosts import anew, gateway
from switchback.hosts.anew import SaidTwice
from switchback.wire import results
from switchback.wire.calls import to_runner
from tests.unit.examples import CLIENT, NEW, settings

DEPLOY = "20261123-120000-deploy-ab12"


class Lost:
    """A host of a run that was lost, which can be reached again after so many tries."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *says: str, result: Result | None = None, after: float = 0
    ) -> None:
        self.name, self.connected, self.tries, self.after = "web1", False, 0.0, after
        self.says = [*says, *([framed(result)] if result else [])]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        inventory = SimpleNamespace(get_host={"web1": self}.__getitem__)
        self.state: Any = SimpleNamespace(inventory=inventory, failed_hosts={self}, active_hosts={"web2"})
        self._now = 0.0
        monkeypatch.setattr(anew, "tend", lambda _: None)
        monkeypatch.setattr(gateway, "settings_of", {self: settings()}.__getitem__)
        monkeypatch.setattr(results, "_heard", {})
        monkeypatch.setattr(time, "monotonic", lambda: self._now)
        monkeypatch.setattr(gevent, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self._now += seconds

    def disconnect(self) -> None:
        self.connected = False

    def connect(self, show_errors: bool) -> None:
        assert not show_errors
        self.tries += 1
        self.connected = self.tries > self.after

    def run_shell_command(self, command: Any, _sudo: bool, _stdin: Any, _timeout: int) -> tuple[bool, Any]:
        assert _sudo
        self.asked.append((str(command.get_raw_value()), json.loads(list(_stdin)[-1])))
        return True, SimpleNamespace(stdout_lines=self.says, combined_lines=[])

    def settle(self, patience: float = 10) -> bool:
        return gateway.settle(self.state, "web1", AllWell(DEPLOY), patience, 60)


HEARD = Result(ok=True)
COMMITTED = Result(ok=True, outcome=Outcome.COMMITTED, sentence=f"committed: {NEW} is live and healthy")


@pytest.mark.parametrize("result", [HEARD, COMMITTED])
def test_one_that_has_heard_it_by_now_may_take_part_again(monkeypatch: pytest.MonkeyPatch, result: Result) -> None:
    lost = Lost(monkeypatch, "some other line", result=result, after=3)
    assert lost.settle() is True
    gateway.take_part_again(lost.state, "web1")
    assert lost in lost.state.active_hosts
    assert not lost.state.failed_hosts
    assert results.heard_from("web1") == [result]
    ((command, told),) = lost.asked
    assert command == CLIENT
    assert told == {"schema": SCHEMA, "site": "django", "verb": "all-well", "deploy": DEPLOY}


@pytest.mark.parametrize("outcome", [one for one in Outcome if one != Outcome.COMMITTED])
def test_one_that_has_ended_otherwise_meanwhile_stays_lost_and_the_others_fall_back(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    lost = Lost(monkeypatch, "committed: so it seems", result=Result(ok=False, outcome=outcome))
    assert lost.settle() is False
    assert lost not in lost.state.active_hosts
    assert lost.state.failed_hosts == {lost}


@pytest.mark.parametrize("outcome", [Outcome.FELL_BACK, Outcome.REFUSED, Outcome.NEEDS_A_PERSON])
def test_one_that_has_told_how_it_ended_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> None:
    lost = Lost(monkeypatch, result=HEARD)
    results.heard_from("web1").append(Result(False, outcome, "x"))
    assert lost.settle() is False
    assert (lost.asked, lost.tries) == ([], 0)


@pytest.mark.parametrize("says", [[], ["committed: so it seems"], [framed(HEARD), "and more"], [framed(HEARD)[:-9]]])
def test_one_that_gives_no_answer_stays_lost(monkeypatch: pytest.MonkeyPatch, says: list[str]) -> None:
    lost = Lost(monkeypatch, *says)
    # What it has said before counts for nothing.
    results.heard_from("web1").append(HEARD)
    assert lost.settle() is False
    assert lost.state.failed_hosts == {lost}


def test_one_that_stays_lost_is_tried_once_a_second_for_as_long_as_the_others_may_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = Lost(monkeypatch, result=HEARD, after=1000)
    assert lost.settle(patience=30) is False
    assert lost.asked == []
    assert lost.tries == 32
    assert lost.state.failed_hosts == {lost}


class Links:
    """What comes of a command, one time after the other: what is printed, or what the link ends with."""

    def __init__(self, *comes: list[str] | Exception) -> None:
        self.name, self.connected, self.anew, self._comes = "web1", True, 0, list(comes)

    def disconnect(self) -> None:
        self.connected = False

    def connect(self, show_errors: bool) -> None:
        self.anew += 1
        self.connected = True

    def run_shell_command(self, *_: object, **__: object) -> tuple[bool, Any]:
        come = self._comes.pop(0)
        if isinstance(come, Exception):
            raise come
        output = SimpleNamespace(stdout_lines=come, combined_lines=[])
        return bool(come) and '"ok": true' in come[-1], output


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[[Links], bool]:
    monkeypatch.setattr(results, "_heard", {})
    monkeypatch.setattr(anew, "tend", lambda _: None)

    def said(links: Links) -> bool:
        host: Any = links
        state: Any = SimpleNamespace(print_output=False, print_input=False)
        word = to_runner("django", Commit(DEPLOY), timeout=60)
        ok, _ = SaidTwice(word, patience=5).execute(state, host, {})
        return ok

    return said


@pytest.mark.parametrize("lost", [[], OSError("gone"), EOFError(), SSHException("gone")])
def test_a_commit_whose_answer_was_lost_with_its_link_is_asked_for_over_a_new_one(
    say: Callable[[Links], bool], lost: list[str] | Exception
) -> None:
    links = Links(lost, [framed(COMMITTED)])
    assert say(links) is True
    assert (links.anew, results.outcome_of("web1")) == (1, Outcome.COMMITTED)


@pytest.mark.parametrize("result", [COMMITTED, Result(False, Outcome.FELL_BACK, "x")])
def test_one_that_has_an_answer_is_asked_for_once_whatever_that_is(
    say: Callable[[Links], bool], result: Result
) -> None:
    links = Links([framed(result)])
    assert say(links) is result.ok
    assert links.anew == 0


def test_a_link_that_is_lost_once_more_is_what_it_ends_with(say: Callable[[Links], bool]) -> None:
    assert say(Links([], [])) is False
    with pytest.raises(OSError, match="gone again"):
        say(Links(OSError("gone"), OSError("gone again")))


def test_where_no_new_link_is_to_be_had_it_ends_as_the_first_did(
    say: Callable[[Links], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anew, "link_anew", lambda host, patience: False)
    assert say(Links([])) is False
    with pytest.raises(OSError, match="gone"):
        say(Links(OSError("gone")))


def test_a_word_that_is_said_twice_is_the_same_word() -> None:
    word = to_runner("django", Commit(DEPLOY), timeout=60)
    twice = SaidTwice(word, patience=5)
    assert str(twice) == str(word)
    assert twice.connector_arguments == word.connector_arguments
