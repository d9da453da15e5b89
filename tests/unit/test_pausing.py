"""What else writes to the database is stopped while that is changed, and started again: what a person has stopped is
not, and what can't be stopped is said."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.connections import listening_at
from agent.host.processes import runs, started_at
from agent.restart import pausing
from agent.service import serving as finding
from agent.service import systemd
from agent.service.health import Unhealthy
from agent.service.serving import serving
from agent.service.supervisor import (
    BACKOFF,
    EXITED,
    FATAL,
    RUNNING,
    STARTING,
    STOPPED,
    STOPPING,
    Refusal,
    Supervisor,
    Told,
)
from agent.service.supervisor_config import Unreadable, parse
from agent.service.systemd import Process
from agent.service.verdicts import ailing
from agent.transaction.consequences import pauses, stays_paused, still_stopped
from agent.transaction.progress import Progress
from agent.transaction.step import StepFailed
from agent.words.notes import Paused
from tests.unit.django_found import pending
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import progress

URL = "http://127.0.0.1:8000/"
SOCKET = "[unix_http_server]\nfile=/run/s.sock\n"
WEB = "[fcgi-program:web]\nsocket=tcp://127.0.0.1:8000\nnumprocs=2\nprocess_name=web_%(process_num)02d\n"
OTHERS = "[program:worker]\nstopwaitsecs=30\n[program:beat]\n[group:jobs]\nprograms=beat\n[eventlistener:mail]\n"
CONFIG = SOCKET + WEB + OTHERS
BREAKS = pending("0002", {"kind": "DeleteModel", "model": "Item"})


def journal(*more: dict[str, Any], hosts: tuple[str, ...] = ("web1",), primary: bool = True) -> Progress:
    """A deploy with a window in which the database is changed, up to its migration."""
    steps = ("checks", "maintenance_start", "pause", "migrate")
    note = {"checks": {"applied": [], "pending": [BREAKS]}}
    lines = [
        one
        for name in steps
        for one in (
            {"event": "step started", "step": name},
            {"event": "step done", "step": name, "note": note.get(name, {})},
        )
    ]
    begin = {"event": "begin", "hosts": list(hosts), "primary": primary, "was": LIVE, "version": NEW}
    return progress(begin, *lines, *more)


class Host:
    """A supervisord with its processes, and a run that has come as far as it has.

    + ends: what becomes of a process that is told to stop
    """

    def __init__(self, config: str = CONFIG) -> None:
        self.sections = parse(config)
        self.progress = journal()
        self.noted: list[tuple[str, ...]] = []
        self.done: list[str] = []
        self.took: dict[str, float] = {}
        self.refuses: set[str] = set()
        self.ailing: dict[str, str] = {}
        self.asked = 0
        self.unanswered: Exception | None = None
        self.there = {
            one.full_name: one
            for one in (
                told("web", "web_00"),
                told("web", "web_01"),
                told("worker"),
                told("jobs", "beat"),
                told("mail"),
            )
        }

    @property
    def step(self) -> Any:
        return SimpleNamespace(
            layout=SimpleNamespace(versions=None),
            settings=replace(settings(health_url=URL).for_host(), health_timeout=0),
            version=NEW,
            begin=SimpleNamespace(ailing=self.ailing),
            note=lambda shape: Paused(programs=self.noted[-1] if self.noted else ()),
            progress=self.progress,
            until=time.time() + 100,
            transaction=SimpleNamespace(
                noted=lambda note: note, journal=SimpleNamespace(append=lambda note: self.noted.append(note.programs))
            ),
        )

    @property
    def running(self) -> Any:
        return SimpleNamespace(sections=self.sections, supervisor=self)

    def be(self, name: str, state: int) -> None:
        self.there[name] = replace(self.there[name], state=state, pid=self.there[name].pid if state == RUNNING else 0)

    # As much of supervisord as is asked.

    def processes(self) -> tuple[Told, ...]:
        self.asked += 1
        if self.unanswered:
            raise self.unanswered
        return tuple(self.there.values())

    def info(self, name: str) -> Told:
        return self.there[name]

    def stop_all(self, seconds: dict[str, float]) -> dict[str, float]:
        # Each is written down before it is touched.
        mine = [name for name in seconds if self.there[name].state != STOPPING]
        assert set(mine) <= set(self.noted[-1] if self.noted else ())
        self.done.append(f"stop {' '.join(sorted(seconds))}")
        took = {}
        for name in seconds:
            if self.there[name].state == EXITED:
                # To ask it is what makes supervisord start it anew.
                self.be(name, STARTING)
            else:
                self.be(name, STOPPED)
                took[name] = self.took.get(name, 0.1)
        return took

    def stop(self, name: str, seconds: float) -> None:
        self.done.append(f"wait {name}")
        self.be(name, STOPPED)

    def start(self, name: str) -> None:
        if name in self.refuses:
            raise Refusal(f"supervisord refuses startProcess {name}: SPAWN_ERROR")
        self.done.append(f"start {name}")
        self.be(name, RUNNING)


def told(group: str, name: str = "", state: int = RUNNING, pid: int = 0) -> Told:
    return Told(name or group, group, state, str(state), pid, stop=0, exitstatus=0, spawnerr="")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    monkeypatch.setattr(pausing, "find_running", lambda _: made.running)
    monkeypatch.setattr(pausing, "LOOK", 0.001)
    monkeypatch.setattr(pausing, "ANSWERS_WITHIN", 0.0)
    monkeypatch.setattr(systemd, "family", lambda pid, _: [Process(pid, 1, "1", frozenset({NEW}))])
    return made


# --- What is stopped


def test_all_is_stopped_side_by_side_but_the_web_and_what_only_hears_of_events(host: Host) -> None:
    found = pausing.pause(host.step)
    assert found == Paused(programs=("worker:worker", "jobs:beat"))
    assert host.done == ["stop jobs:beat worker:worker"]


def test_a_program_in_the_web_s_own_group_is_stopped_all_the_same(host: Host) -> None:
    host.sections = parse(SOCKET + WEB + "[program:worker]\n[group:site]\nprograms=web,worker\n")
    host.there = {one.full_name: one for one in (told("site", "web_00"), told("site", "worker"))}
    assert pausing.pause(host.step).programs == ("site:worker",)


@pytest.mark.parametrize("state", [STOPPED, EXITED, FATAL])
def test_what_does_not_run_is_not_ours(host: Host, state: int) -> None:
    host.sections["program:worker"]["autorestart"] = "false"
    host.be("worker:worker", state)
    assert pausing.pause(host.step).programs == ("jobs:beat",)


@pytest.mark.parametrize("state", [STARTING, BACKOFF])
def test_what_is_about_to_run_is_stopped_as_well(host: Host, state: int) -> None:
    host.be("worker:worker", state)
    assert "worker:worker" in pausing.pause(host.step).programs


def test_what_has_just_ended_and_is_started_anew_is_stopped_then(host: Host) -> None:
    host.sections["program:worker"]["autorestart"] = "true"
    host.be("worker:worker", EXITED)
    assert set(pausing.pause(host.step).programs) == {"worker:worker", "jobs:beat"}
    assert host.there["worker:worker"].state == STOPPED
    assert host.done == ["stop jobs:beat worker:worker", "stop worker:worker"]


def test_what_a_person_is_stopping_is_waited_for_and_not_started_again(host: Host) -> None:
    host.be("worker:worker", STOPPING)
    assert pausing.pause(host.step).programs == ("jobs:beat",)
    assert host.done == ["stop jobs:beat worker:worker"]


@pytest.mark.parametrize("config", [SOCKET + WEB, WEB, SOCKET + WEB + "[eventlistener:mail]\n"])
def test_a_site_without_workers_is_not_even_asked(host: Host, config: str) -> None:
    host.sections = parse(config)
    assert pausing.pause(host.step) == Paused(skipped="nothing runs besides the web")
    assert host.asked == 0


def test_a_site_whose_workers_are_stopped_is_asked_once(host: Host) -> None:
    host.be("worker:worker", STOPPED)
    host.be("jobs:beat", STOPPED)
    assert pausing.pause(host.step) == Paused(skipped="nothing runs besides the web")
    assert (host.asked, host.done, host.noted) == (1, [], [])


def test_a_service_that_is_no_supervisord_has_nothing_that_could_be_asked_for(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: object) -> Any:
        raise Unreadable("the main process of django is not supervisord")

    monkeypatch.setattr(pausing, "find_running", none)
    assert "is not supervisord" in pausing.pause(host.step).skipped


def test_workers_of_a_supervisord_that_does_not_answer_are_said_to_go_on(host: Host) -> None:
    host.unanswered = StepFailed("supervisord does not answer")
    assert "supervisord does not answer; what it writes from now on is lost" in pausing.pause(host.step).warning


def test_a_worker_that_was_killed_is_said(host: Host) -> None:
    host.took["worker:worker"] = 30.4
    assert pausing.pause(host.step).warning == (
        "worker did not end within its stopwaitsecs=30 and was killed (SIGKILL): what it was at work on is lost"
    )


def test_a_worker_that_may_take_longer_than_there_is_time_has_what_there_is(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.sections["program:worker"]["stopwaitsecs"] = "600"
    given: dict[str, float] = {}

    def stop_all(seconds: dict[str, float]) -> dict[str, float]:
        given.update(seconds)
        raise StepFailed("worker:worker is STOPPING after 100 s")

    monkeypatch.setattr(host, "stop_all", stop_all)
    with pytest.raises(StepFailed, match=r"after 100 s: stopwaitsecs=600 gives it longer than restart_timeout does"):
        pausing.pause(host.step)
    assert given["jobs:beat"] == 20
    assert 90 < given["worker:worker"] <= 100
    # What comes after it knows what to start again.
    assert host.noted == [("worker:worker", "jobs:beat")]


def test_what_a_worker_has_started_and_left_behind_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing, "MOMENT", 0.0)
    left = subprocess.Popen(["sleep", "600"])
    try:
        monkeypatch.setattr(systemd, "family_ids", lambda _: frozenset({left.pid}))
        host.there["worker:worker"] = told("worker", pid=4)
        found = pausing.pause(host.step).warning
        assert f"what worker has started goes on without it, process {left.pid} (sleep 600)" in found
        assert "stopasgroup=true" in found
    finally:
        left.kill()
        left.wait()


# --- Which program serves the web


BOUND = "[program:site]\ncommand=/home/app/venv/bin/gunicorn --bind 127.0.0.1:8000 wsgi\n"
QUEUE = "[program:queue]\ncommand=/home/app/venv/bin/celery -A mysite worker\n"


def test_where_supervisord_holds_no_socket_who_listens_at_the_app_s_address_serves() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert len(listening_at(port)) == 1
        found = serving(parse(QUEUE + BOUND), [told("queue", pid=os.getpid())], f"http://127.0.0.1:{port}/")
        assert found == {"queue"}
    assert listening_at(port) == frozenset()


@pytest.mark.parametrize(
    ("command", "serves"),
    [
        ("/home/app/venv/bin/gunicorn --bind unix:/run/a.sock wsgi", True),
        ("/home/app/venv/bin/python -m daphne mysite.asgi:application", True),
        ("/usr/bin/uwsgi --ini site.ini", True),
        ("/home/app/venv/bin/python manage.py runserver", True),
        ("/home/app/django-current/run python -m gunicorn wsgi", True),
        ("/home/app/venv/bin/celery -A mysite beat", False),
        ("/home/app/venv/bin/python manage.py rqworker default", False),
        ("/home/app/worker.sh", False),
    ],
)
def test_behind_a_web_server_at_that_address_what_looks_like_a_server_serves(
    command: str, serves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "listening_at", lambda _: frozenset())
    sections = parse(f"[program:one]\ncommand={command}\n{QUEUE}")
    assert serving(sections, [], "http://127.0.0.1/") == ({"one"} if serves else frozenset())


def test_nothing_is_stopped_where_nobody_can_tell_what_serves(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "listening_at", lambda _: frozenset())
    host.sections = parse("[program:one]\ncommand=/home/app/one.sh\n[program:two]\ncommand=/home/app/two.sh\n")
    assert "nobody can tell which of one, two serves the web" in pausing.pause(host.step).warning
    assert host.done == []


# --- What is started again


def test_what_was_stopped_is_started_again_and_nothing_else(host: Host) -> None:
    host.be("jobs:beat", STOPPED)
    pausing.pause(host.step)
    host.done.clear()
    assert pausing.resume(host.step) == ("worker",)
    assert host.done == ["start worker:worker"]
    # Done again, it finds nothing to do.
    assert pausing.resume(host.step) == ()


def test_one_that_is_still_at_its_end_is_waited_for_once_the_others_are_started(host: Host) -> None:
    host.noted = [("worker:worker", "jobs:beat")]
    host.be("worker:worker", STOPPING)
    host.be("jobs:beat", STOPPED)
    assert pausing.resume(host.step) == ("jobs:beat", "worker")
    assert host.done == ["start jobs:beat", "wait worker:worker", "start worker:worker"]


def test_what_the_config_no_longer_has_and_what_has_ended_by_itself_is_not_started(host: Host) -> None:
    host.noted = [("gone:gone", "worker:worker")]
    host.be("worker:worker", EXITED)
    assert pausing.resume(host.step) == ()


def test_what_can_not_be_started_again_needs_a_person_unless_it_did_not_run_before(host: Host) -> None:
    host.noted = [("worker:worker", "jobs:beat")]
    host.be("worker:worker", STOPPED)
    host.be("jobs:beat", STOPPED)
    host.refuses = {"worker:worker"}
    with pytest.raises(StepFailed, match="refuses startProcess worker:worker: SPAWN_ERROR"):
        pausing.resume(host.step)
    assert host.there["jobs:beat"].state == RUNNING
    assert pausing.resume(host.step, known=["worker"]) == ()


def test_the_new_version_s_are_seen_to_come_up(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    pausing.pause(host.step)
    pausing.start_new(host.step)
    assert host.there["worker:worker"].state == host.there["jobs:beat"].state == RUNNING
    host.be("worker:worker", STOPPED)
    monkeypatch.setattr(host, "start", lambda name: host.be(name, BACKOFF))
    with pytest.raises(Unhealthy, match="worker is"):
        pausing.start_new(host.step)
    host.be("worker:worker", STOPPED)
    monkeypatch.setattr(host, "start", lambda name: host.be(name, STARTING))
    with pytest.raises(Unhealthy, match="worker is not up within 0 s: it has not been up for its startsecs yet"):
        pausing.start_new(host.step)
    host.be("worker:worker", STOPPED)
    monkeypatch.setattr(host, "start", lambda name: host.be(name, RUNNING))
    monkeypatch.setattr(systemd, "family", lambda pid, _: [Process(pid, 1, "1", frozenset({LIVE}))])
    with pytest.raises(Unhealthy, match=f"runs from {LIVE}"):
        pausing.start_new(host.step)


def test_what_is_paused_is_nothing_that_ails(host: Host) -> None:
    pausing.pause(host.step)
    assert ailing(host.processes(), host.sections) == []


# --- What has been started since


def test_what_a_restart_or_a_boot_has_started_is_stopped_again_and_is_ours_then(host: Host) -> None:
    host.noted = [("worker:worker",)]
    pausing.stop_again(host.step)
    assert host.noted[-1] == ("worker:worker", "jobs:beat")
    assert host.done == ["stop jobs:beat worker:worker"]


def test_a_run_that_has_paused_nothing_and_a_supervisord_that_is_not_there_are_let_be(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.progress = progress({"event": "begin"})
    pausing.stop_again(host.step)
    assert host.asked == 0
    host.progress = journal()
    host.unanswered = StepFailed("supervisord does not answer")
    pausing.stop_again(host.step)
    assert "not sure to be stopped, what runs besides the web: supervisord does not answer" in capsys.readouterr().out

    def none(_: object) -> Any:
        raise Unreadable("the service django does not run")

    monkeypatch.setattr(pausing, "find_running", none)
    pausing.stop_again(host.step)
    assert host.done == []


def test_a_run_pauses_in_a_window_in_which_it_changes_the_database() -> None:
    assert pauses(journal())
    assert not pauses(journal({"event": "step done", "step": "maintenance_start", "note": {"skipped": "no window"}}))
    assert not pauses(journal({"event": "step done", "step": "checks", "note": {}}))
    assert not pauses(progress({"event": "begin"}))


FALLBACK: dict[str, Any] = {"event": "fallback"}
FAILED: dict[str, Any] = {"event": "undo failed", "action": "database", "problem": "no"}


def test_on_the_way_back_it_stays_stopped_until_the_database_is_back() -> None:
    assert not stays_paused(journal())
    assert not stays_paused(journal(FALLBACK))
    assert stays_paused(journal(FALLBACK, FAILED))
    assert not stays_paused(journal(FALLBACK, FAILED, {"event": "undo done", "action": "database"}))


def test_on_another_host_it_stays_stopped_until_the_primary_one_has_taken_the_database_back() -> None:
    def other(*more: dict[str, Any]) -> Progress:
        return journal(*more, hosts=("web1", "web2"), primary=False)

    assert not stays_paused(other())
    assert stays_paused(other(FALLBACK))
    assert not stays_paused(other(FALLBACK, {**FALLBACK, "database_is_back": True}))


def test_what_is_still_stopped_is_known_by_the_journal() -> None:
    noted = {"event": "note", "step": "pause", "note": {"programs": ["worker:worker"], "timers": ["nightly"]}}
    resumed, scheduled = ({"event": "undo done", "action": action} for action in ("resume", "schedule"))
    assert still_stopped(journal(noted)) == ("worker:worker", "the timer of nightly")
    assert still_stopped(journal(noted, FALLBACK, resumed)) == ("the timer of nightly",)
    assert still_stopped(journal(noted, FALLBACK, resumed, scheduled)) == ()


# --- supervisord, asked to stop several


TAKES_A_WHILE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit()))
print("there", flush=True)
time.sleep(60)
"""


def test_several_are_stopped_side_by_side_and_each_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", TAKES_A_WHILE], stdout=subprocess.PIPE) for _ in range(2)]
    names = dict(zip(("a:a", "b:b"), processes, strict=True))
    for one in processes:
        assert one.stdout
        assert one.stdout.readline()
    supervisor = Supervisor(parse(SOCKET), "app")

    def info(name: str) -> Told:
        process = names[name]
        state = STOPPED if process.poll() is not None else RUNNING
        return told(name[0], state=state, pid=process.pid)

    def ask(method: str, name: str, *_: object) -> bool:
        assert method == "stopProcess"
        names[name].send_signal(signal.SIGTERM)
        return True

    monkeypatch.setattr(supervisor, "info", info)
    monkeypatch.setattr(supervisor, "ask", ask)
    began = time.monotonic()
    try:
        took = supervisor.stop_all({"a:a": 20, "b:b": 20})
        assert set(took) == {"a:a", "b:b"}
        assert 0.25 < max(took.values()) <= time.monotonic() - began
        assert not any(runs(one.pid, started_at(one.pid)) for one in processes)
        assert supervisor.stop_all({"a:a": 20}) == {}
    finally:
        for one in processes:
            one.kill()
            one.wait()


def test_one_that_does_not_stop_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor(parse(SOCKET), "app")
    monkeypatch.setattr(supervisor, "info", lambda _: told("a", pid=os.getpid()))
    monkeypatch.setattr(supervisor, "ask", lambda *_: True)
    with pytest.raises(StepFailed, match="a:a is 20 after 0 s"):
        supervisor.stop_all({"a:a": 0.01})
