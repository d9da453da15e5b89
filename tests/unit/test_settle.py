"""A primary host that is lost in the moment of its commit is asked how that ended, and the others do as it says."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from switchback.hosts import gateway
from tests.unit.examples import LIVE, NEW

DEPLOY = "20261123-120000-deploy-ab12"


class Lost:
    """A host of a run that was lost, which can be reached again after so many tries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *says: str, after: float = 0) -> None:
        self.name, self.connected, self.tries, self.after = "web1", False, 0.0, after
        self.says = says
        self.asked: list[tuple[str, dict[str, Any]]] = []
        inventory = SimpleNamespace(get_host={"web1": self}.__getitem__)
        self.state: Any = SimpleNamespace(inventory=inventory, failed_hosts={self}, active_hosts={"web2"})
        self._now = 0.0
        monkeypatch.setattr(gateway, "tend", lambda _: None)
        monkeypatch.setattr(gateway, "said_besides", {})
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
        return True, SimpleNamespace(stdout_lines=list(self.says))

    def settle(self, patience: float = 10) -> bool:
        return gateway.settle(self.state, "web1", DEPLOY, patience, 60)


def test_one_that_has_committed_takes_part_again_and_the_others_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"committed: {NEW} is live and healthy; {LIVE} was live before"
    lost = Lost(monkeypatch, "some other line", said, after=3)
    assert lost.settle() is True
    assert lost in lost.state.active_hosts
    assert not lost.state.failed_hosts
    assert gateway.said_besides == {"web1": ["some other line", said]}
    ((command, told),) = lost.asked
    assert command.endswith(f" fall-back {DEPLOY}")
    assert told == {"reason": "the link broke in the moment of the commit", "settled": False}


@pytest.mark.parametrize(
    "says",
    [
        [f"fell back at commit: {LIVE} is live and proven healthy"],
        ["refused: nothing was changed"],
        ["needs a person at commit: it is not committed: look"],
        ["still falling back: the guard ends it here, once the primary host has taken the database back"],
        [],
    ],
    ids=["fell back", "refused", "needs a person", "falling back", "nothing"],
)
def test_one_that_has_not_committed_stays_lost_and_the_others_fall_back(
    monkeypatch: pytest.MonkeyPatch, says: list[str]
) -> None:
    lost = Lost(monkeypatch, *says)
    assert lost.settle() is False
    assert lost not in lost.state.active_hosts
    assert lost.state.failed_hosts == {lost}
    assert gateway.said_besides == {"web1": says}


def test_one_that_stays_lost_is_tried_once_a_second_for_as_long_as_the_others_may_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = Lost(monkeypatch, f"committed: {NEW} is live and healthy", after=1000)
    assert lost.settle(patience=30) is False
    assert lost.asked == []
    assert lost.tries == 32
    assert lost.state.failed_hosts == {lost}
