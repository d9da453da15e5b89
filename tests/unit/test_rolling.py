"""Processes that are replaced one by one: in which order, and what ends it."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.restart import answering, rolling
from agent.service import systemd
from agent.service.health import Unhealthy
from agent.service.supervisor import RUNNING, STOPPED, Ending, Told
from agent.service.systemd import Process
from agent.transaction.step import StepFailed
from agent.words.notes import Restarted
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import begun, noted

FATAL = 200


class Host:
    """A supervisord with its processes, each of which runs from the live version until it is started anew."""

    def __init__(self, *names: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.asked, self.limit = 0, 60
        # What a process of the new version answers, by its name; and whether it is one of those that were asked.
        self.answers: dict[str, str | int] = {}
        self.unseen: set[str] = set()
        self.noted: list[Any] = []
        # Those that take a while to end; and the groups that are new, different and gone in supervisord's config.
        self.at_work: list[str] = []
        self.config: tuple[list[str], list[str], list[str]] = ([], [], [])
        self._running = {
            name: Told(name.partition(":")[2], name.partition(":")[0], RUNNING, "RUNNING", pid, 0, 0, "")
            for pid, name in enumerate(names, 100)
        }
        self._runs = {one.pid: LIVE for one in self._running.values()}
        monkeypatch.setattr(time, "sleep", lambda _: None)
        monkeypatch.setattr(rolling, "web_of", lambda *_: SimpleNamespace(name="web"))
        monkeypatch.setattr(rolling, "group_of", lambda name, _: name)
        monkeypatch.setattr(rolling, "longest_stop", lambda *_: 20)
        monkeypatch.setattr(rolling, "LastWords", lambda *_: SimpleNamespace(told=lambda: ""))
        monkeypatch.setattr(rolling, "ask", lambda *_: None)
        monkeypatch.setattr(systemd, "at_work", lambda _: False)
        monkeypatch.setattr(systemd, "family", lambda pid, _: [Process(pid, 1, "1", frozenset({self._runs[pid]}))])
        monkeypatch.setattr(answering, "ask_at_once", self._ask)

    def _ask(self, number: int, *_: object) -> list[tuple[int | None, str | int]]:
        self.asked += 1
        assert self.asked < 100
        new = [name for name, one in self._running.items() if self._runs[one.pid] == NEW]
        answers = [(self._running[name].pid, self.answers.get(name, 200)) for name in new if name not in self.unseen]
        self.unseen.clear()
        return [(100, 200), *answers]

    def roll(self, left_alone: tuple[str, ...] = (), paused: tuple[str, ...] = (), **begin: Any) -> rolling._Roll:
        told = settings(health_url="http://127.0.0.1:8000/").for_host()
        step: Any = SimpleNamespace(
            layout=SimpleNamespace(versions=None),
            settings=replace(told, health_timeout=self.limit),
            note=noted({}),
            transaction=SimpleNamespace(noted=lambda note: note, journal=SimpleNamespace(append=self.noted.append)),
            begin=begun(**begin),
        )
        running: Any = SimpleNamespace(supervisor=self, sections=None)
        return rolling._Roll(step, running, NEW, left_alone=left_alone, paused=paused)

    # As much of supervisord as a roll asks.

    def processes(self) -> list[Told]:
        return list(self._running.values())

    def info(self, name: str) -> Told:
        return self._running[name]

    def reread(self) -> tuple[list[str], list[str], list[str]]:
        return self.config

    def stop(self, name: str, limit: float) -> None:
        assert limit == 20
        self.done.append(f"stop {name}")

    def tell_to_end(self, name: str) -> Ending:
        self.done.append(f"stop {name}")
        return Ending(name, 1, "1")

    def has_ended(self, one: Ending) -> bool:
        # One that is at work has ended once all others have.
        if one.name in self.at_work:
            self.at_work.remove(one.name)
            return False
        return True

    def ask(self, method: str, group: str) -> None:
        self.done.append(f"{method} {group}")
        if method == "addProcessGroup":
            name = f"{group}:0"
            self._running[name] = Told("0", group, RUNNING, "RUNNING", 300 + len(self.done), 0, 0, "")
            self._runs[self._running[name].pid] = NEW
        else:
            self._running = {name: one for name, one in self._running.items() if one.group != group}

    def start(self, name: str) -> None:
        # Each is written down before it is touched.
        assert name in self.noted[-1].touched
        self.done.append(f"start {name}")
        pid = 200 + len(self.done)
        self._running[name] = replace(self._running[name], state=RUNNING, statename="RUNNING", pid=pid)
        self._runs[self._running[name].pid] = NEW

    def dies(self, name: str) -> None:
        self._running[name] = replace(self._running[name], state=FATAL, statename="FATAL")

    def is_stopped(self, name: str) -> None:
        self._running[name] = replace(self._running[name], state=STOPPED, statename="STOPPED", pid=0)
        self._runs[0] = LIVE


def both(*names: str) -> list[str]:
    return [f"{verb} {name}" for name in names for verb in ("stop", "start")]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host("beat:beat", "web:0", "web:1", monkeypatch=monkeypatch)


def test_each_is_replaced_once_the_one_before_it_has_answered_and_those_with_visitors_come_first(host: Host) -> None:
    roll = host.roll()
    roll.replace()
    assert host.done == both("web:0", "web:1", "beat:beat")
    # Only those that serve are asked.
    assert host.asked == 2
    assert set(roll.seconds) == {"web:0", "web:1", "beat:beat"}
    host.done.clear()
    host.roll().replace()
    assert host.done == []


@pytest.mark.parametrize("answer", [500, 404, "does not answer: timed out"])
def test_a_bad_answer_of_a_new_process_ends_it_at_once_while_all_others_are_left(host: Host, answer: Any) -> None:
    host.answers["web:0"] = answer
    with pytest.raises(Unhealthy, match=f"http://127.0.0.1:8000/ answers {answer}, not 200"):
        host.roll().replace()
    assert host.asked == 1
    assert host.done == both("web:0")


def test_a_bad_answer_of_an_old_process_is_nothing_to_the_new_one(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = host._ask
    monkeypatch.setattr(answering, "ask_at_once", lambda *told: [(100, 500), (None, 500), *ask(*told)[1:]])
    host.roll().replace()
    assert host.done == both("web:0", "web:1", "beat:beat")


def test_a_new_process_that_has_answered_nobody_is_not_taken_for_well(host: Host) -> None:
    host.limit = 0
    host.unseen.add("web:0")
    with pytest.raises(Unhealthy, match="web:0 is not healthy within 0 s: it has answered no request yet"):
        host.roll().replace()
    assert host.done == both("web:0")


def test_a_new_process_that_has_ended_ends_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    start = host.start

    def dies(name: str) -> None:
        start(name)
        host.dies(name)

    monkeypatch.setattr(host, "start", dies)
    with pytest.raises(Unhealthy, match="web:0 is FATAL"):
        host.roll().replace()
    assert host.done == both("web:0")


def test_one_that_was_replaced_and_has_ended_since_is_found(host: Host) -> None:
    roll = host.roll()
    roll.replace()
    roll.check()
    host.dies("web:1")
    with pytest.raises(Unhealthy, match="web:1 did not stay up"):
        roll.check()


def test_one_that_was_replaced_and_was_started_anew_since_is_found(host: Host) -> None:
    roll = host.roll()
    roll.replace()
    host.noted.append(Restarted(touched=("web:0",)))
    host.start("web:0")
    with pytest.raises(Unhealthy, match="web:0 did not stay up"):
        roll.check()


def test_what_nobody_expects_to_come_up_is_left_alone(host: Host) -> None:
    host.roll(left_alone=("beat",)).replace()
    assert host.done == both("web:0", "web:1")


def test_what_this_run_has_stopped_is_started_and_what_a_person_has_stopped_is_not(host: Host) -> None:
    host.is_stopped("beat:beat")
    host.roll().replace()
    assert host.done == both("web:0", "web:1")
    host.roll(paused=("beat:beat",)).replace()
    assert host.done == both("web:0", "web:1", "beat:beat")


def test_workers_end_what_they_are_at_all_at_once_and_once_the_site_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host("slow:slow", "web:0", "web:1", "worker:0", "worker:1", monkeypatch=monkeypatch)
    host.at_work = ["slow:slow"]
    host.roll().replace()
    assert host.done[:4] == both("web:0", "web:1")
    assert host.done[4:7] == ["stop slow:slow", "stop worker:0", "stop worker:1"]
    # None waits for one that takes longer.
    assert host.done[7:] == ["start worker:0", "start worker:1", "start slow:slow"]
    # Cut off anywhere in it, it is known which are ours to start.
    assert host.noted[-1].touched == ("web:0", "web:1", "slow:slow", "worker:0", "worker:1")


def test_a_worker_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host("worker:0", monkeypatch=monkeypatch)
    monkeypatch.setattr(host, "has_ended", lambda one: False)
    roll = host.roll()
    roll._stop_limit = 0
    with pytest.raises(StepFailed, match="worker:0 has not ended after 0 s"):
        roll.replace()


def test_programs_that_come_go_or_change_are_taken_over_once_the_site_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host("gone:0", "other:0", "web:0", "web:1", monkeypatch=monkeypatch)
    host.config = (["new"], ["other"], ["gone"])
    roll = host.roll()
    roll.replace()
    assert host.done[:4] == both("web:0", "web:1")
    assert host.done[4:6] == ["stop gone:0", "stop other:0"]
    groups = ["removeProcessGroup gone", "removeProcessGroup other", "addProcessGroup new", "addProcessGroup other"]
    assert host.done[6:] == groups
    # What is new is seen to run, and to stay up, as all others.
    assert {"new:0", "other:0"} <= {*roll.seconds}
    host.dies("new:0")
    with pytest.raises(Unhealthy, match="new:0 did not stay up"):
        roll.check()


def test_where_the_config_of_what_serves_changes_it_is_taken_over_first(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host("web:0", "worker:0", monkeypatch=monkeypatch)
    host.config = ([], ["web"], [])
    host.roll().replace()
    assert host.done[:3] == ["stop web:0", "removeProcessGroup web", "addProcessGroup web"]
    assert host.done[3:] == both("worker:0")
