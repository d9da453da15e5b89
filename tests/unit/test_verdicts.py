"""What supervisord and systemd say of an app that does not come up, and what is said and decided for it."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.service import health, systemd, verdicts
from agent.service.health import Unhealthy, app_problem, prove_healthy, watch
from agent.service.supervisor import BACKOFF, EXITED, FATAL, RUNNING, STARTING, STOPPED, Refusal, Told
from agent.service.supervisor_config import parse
from agent.service.verdicts import Look, Watcher, ailing, of_unit
from tests.unit.examples import NEW
from tests.unit.test_health import app, layout, process, site

__all__ = ["app", "site"]

CONFIG = parse("""
[fcgi-program:web]
process_name=web_%(process_num)02d
numprocs=2
autorestart=true
[program:worker]
[program:once]
autorestart=false
[program:nightly]
autostart=false
[program:beat]
exitcodes=0,7
[group:jobs]
programs=beat,once
""")
NAMES = {
    STOPPED: "STOPPED",
    STARTING: "STARTING",
    RUNNING: "RUNNING",
    BACKOFF: "BACKOFF",
    EXITED: "EXITED",
    FATAL: "FATAL",
}
SOON = "Exited too quickly (process log may have details)"
MISSING = "can't find command '/home/app/django-current/venv/bin/celery'"


def told(group: str, name: str = "", state: int = RUNNING, **more: Any) -> Told:
    """What supervisord says of a process."""
    pid = 20 if state == RUNNING else 0
    return replace(Told(name or group, group, state, NAMES[state], pid, stop=0, exitstatus=0, spawnerr=""), **more)


def well() -> list[Told]:
    """All of the config's programs, as they should be."""
    return [
        told("web", "web_00"),
        told("web", "web_01"),
        told("worker"),
        told("jobs", "once", EXITED),
        told("jobs", "beat"),
        told("nightly", state=STOPPED),
    ]


def but(**changed: Any) -> list[Told]:
    """The same, with another worker."""
    return [told("worker", **changed) if one.name == "worker" else one for one in well()]


def test_what_runs_what_has_ended_as_it_may_and_what_nobody_starts_is_well() -> None:
    assert ailing(well(), CONFIG) == []
    assert ailing(but(state=EXITED), CONFIG) == []
    assert (
        ailing(
            [*well()[:3], told("jobs", "once", EXITED, exitstatus=1), told("jobs", "beat", EXITED, exitstatus=7)],
            CONFIG,
        )
        == []
    )


@pytest.mark.parametrize(
    ("state", "more", "says", "certain"),
    [
        (BACKOFF, {"spawnerr": MISSING}, f"worker is BACKOFF: {MISSING}", True),
        (BACKOFF, {"spawnerr": "can't parse command \"sh -c '\": No closing quotation"}, "can't parse command", True),
        (BACKOFF, {"spawnerr": "unknown error making dispatchers for 'worker': EACCES"}, "EACCES", True),
        (BACKOFF, {"spawnerr": "Too many processes in process table"}, "Too many processes", False),
        (BACKOFF, {"spawnerr": SOON, "exitstatus": 3}, "is BACKOFF: it has ended with exit code 3 at once", False),
        (FATAL, {"spawnerr": SOON, "exitstatus": 3}, "worker is FATAL: it has ended with exit code 3 at once", True),
        (EXITED, {"exitstatus": 1}, "worker has ended with exit code 1, and is started again", False),
    ],
)
def test_a_program_that_does_not_come_up_is_named_with_its_cause(
    state: int, more: dict[str, Any], says: str, certain: bool
) -> None:
    (one,) = ailing(but(state=state, **more), CONFIG)
    assert says in str(one)
    assert one.certain is certain


def test_the_exit_code_of_one_that_ended_at_once_is_read_from_supervisords_log() -> None:
    class Supervisord:
        def __init__(self, log: str | None) -> None:
            self._log = log

        def processes(self) -> list[Told]:
            return but(state=BACKOFF, spawnerr=SOON)

        def ask(self, method: str, *_: Any) -> str:
            if self._log is None:
                raise Refusal("NO_FILE")
            return self._log

    def says(log: str | None, monkeypatch: pytest.MonkeyPatch) -> str:
        running = SimpleNamespace(supervisor=Supervisord(log), sections=CONFIG)
        monkeypatch.setattr(verdicts, "find_running", lambda _: running)
        (one,) = verdicts.look(layout("http://127.0.0.1:1")).ailing
        return str(one)

    log = "INFO exited: worker (exit status 1; not expected)\nINFO exited: worker (exit status 3; not expected)\n"
    with pytest.MonkeyPatch.context() as patch:
        assert says(log, patch) == "worker is BACKOFF: it has ended with exit code 3 at once"
        assert says("exited: worker (terminated by SIGKILL)", patch) == "worker is BACKOFF: it has ended at once"
        assert says(None, patch) == "worker is BACKOFF: it has ended at once"


def test_a_program_that_supervisord_does_not_know_is_named() -> None:
    found = ailing([one for one in well() if one.name != "worker"], CONFIG)
    assert [str(one) for one in found] == ["worker is in supervisord's config, and supervisord does not know it"]
    assert ailing([one for one in well() if one.name != "nightly"], CONFIG) == []


# --- The app as a whole


def test_an_app_that_answers_is_not_well_while_a_worker_never_came_to_be(
    site: str, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "look", lambda _: Look(but(state=FATAL, spawnerr=MISSING), CONFIG))
    assert app_problem(layout(site), NEW) == f"worker is FATAL: {MISSING}"
    with pytest.raises(Unhealthy, match=r"not healthy after 0\.\d s, and not going to be: worker is FATAL"):
        prove_healthy(layout(site, health_timeout=30), NEW)
    # What was so before a deploy is not asked for on its way back.
    assert app_problem(layout(site), NEW, known=["worker"]) is None
    assert prove_healthy(layout(site), NEW, patience=3, known=["worker"]) == ""


def test_on_the_way_back_what_has_been_given_up_is_waited_for(
    site: str, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [Look(but(state=FATAL, spawnerr=MISSING), CONFIG)] * 5
    monkeypatch.setattr(verdicts, "look", lambda _: seen.pop() if seen else Look(well(), CONFIG))
    assert prove_healthy(layout(site, health_timeout=5), NEW, patience=3) == ""


def test_on_the_way_back_what_was_given_up_is_started_again_and_a_watch_that_fails_begins_anew(
    site: str, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Supervisord:
        def processes(self) -> list[Told]:
            return [told("web", "web_00", FATAL), told("worker", state=FATAL), told("jobs", "beat")]

        def start(self, name: str) -> None:
            started.append(name)

    monkeypatch.setattr(verdicts, "find_running", lambda _: SimpleNamespace(supervisor=Supervisord(), sections=CONFIG))
    born_again = [process(10, NEW, started="2")]
    app[:] = [[process(10, NEW)], [process(10, NEW)], born_again]
    monkeypatch.setattr(verdicts, "look", lambda _: Look(well(), CONFIG))
    monkeypatch.setattr(health, "ASKS", 0.01)
    watch(layout(site, health_timeout=5, health_stable=0.1), NEW, patience=3, known=["worker"])
    app[:] = [[], [process(10, NEW)]]
    prove_healthy(layout(site, health_timeout=5), NEW, patience=3, known=["worker"])
    assert started == ["web:web_00"]


def test_who_has_ended_in_the_watch_is_named(site: str, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app[:] = [[process(10, NEW)], [process(10, NEW)], [process(10, NEW, started="2")]]
    seen = [Look(well(), CONFIG), Look(well(), CONFIG), Look(but(state=BACKOFF, spawnerr=SOON, exitstatus=9), CONFIG)]
    monkeypatch.setattr(verdicts, "look", lambda _: seen.pop(0))
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(Unhealthy, match="did not stay up for 2 s: worker has ended with exit code 9"):
        watch(layout(site, health_stable=2), NEW)


def test_that_supervisord_could_not_be_asked_is_said(site: str, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "look", lambda _: Look(unasked="its config has no [unix_http_server]"))
    assert (
        prove_healthy(layout(site), NEW)
        == "whether each program runs is not known: its config has no [unix_http_server]"
    )


# --- Again and again


def ends(monkeypatch: pytest.MonkeyPatch, code: int, times: int) -> list[str | None]:
    """What a watcher says each time that a worker has ended once more."""
    seen = [Look(but(state=BACKOFF, spawnerr=SOON, exitstatus=code, stop=100 + n), CONFIG) for n in range(times)]
    monkeypatch.setattr(verdicts, "look", lambda _: seen.pop(0))
    monkeypatch.setattr(verdicts, "LOOK", 0)
    monkeypatch.setattr(systemd, "unit_properties", lambda _: {"SubState": "running"})
    watcher = Watcher(layout("http://127.0.0.1:1"))
    return [watcher.verdict() for _ in range(times)]


def test_a_program_that_ends_again_and_again_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    says = "worker ends again and again, 3 times so far with exit code 1"
    assert ends(monkeypatch, 1, 3) == [None, None, says]


def test_an_app_that_gunicorn_can_not_load_is_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(monkeypatch, 3, 2) == [None, "worker ends again and again, 2 times so far with exit code 3"]


def test_a_worker_that_is_meant_to_end_and_to_be_started_again_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(monkeypatch, 0, 5) == [None] * 5


def test_an_app_that_does_not_answer_keeps_nobody_from_seeing_that_it_is_given_up(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "look", lambda _: Look(but(state=FATAL, spawnerr=SOON, exitstatus=3), CONFIG))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url, began = f"http://127.0.0.1:{silent.getsockname()[1]}", time.monotonic()
        with pytest.raises(Unhealthy, match="not going to be: worker is FATAL: it has ended with exit code 3"):
            prove_healthy(layout(url, health_timeout=30), NEW)
    assert time.monotonic() - began < health.ANSWER_TIMEOUT


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ({"SubState": "running", "ExecMainStatus": "0", "NRestarts": "0"}, None),
        ({"SubState": "auto-restart", "ExecMainStatus": "1", "NRestarts": "1"}, None),
        ({}, None),
        ({"SubState": "auto-restart", "ExecMainStatus": "203"}, "systemd can't start the service: 203/EXEC"),
        ({"SubState": "failed", "ExecMainStatus": "217"}, "systemd can't start the service: 217/USER"),
        (
            {"SubState": "failed", "ExecMainStatus": "2", "Result": "exit-code"},
            "given the service up: exit-code, exit code 2",
        ),
        ({"SubState": "dead", "ExecMainStatus": "0"}, "the service has ended with exit code 0"),
        ({"SubState": "auto-restart", "ExecMainStatus": "1", "NRestarts": "4"}, "again and again, 4 times so far"),
    ],
)
def test_a_unit_that_systemd_does_not_get_up_is_not_waited_for(unit: dict[str, str], says: str | None) -> None:
    verdict = of_unit(unit)
    assert verdict is None if says is None else says in str(verdict)
