"""Whether the app is well: it answers as it should, from the version that it should, and stays up."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host.processes import group_runs
from agent.restart import pausing
from agent.service import health, last_words, systemd
from agent.service.health import Unhealthy, app_problem, prove_healthy, prove_site, watch
from agent.service.systemd import Process, main_processes, not_from
from agent.steps.kind import PATIENCE
from agent.steps.switch import health as step_health
from agent.steps.switch.health import HealthSeen
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout
from agent.visitors import site as visitors
from agent.words.notes import Restarted
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import begun
from tests.unit.steps import really_undone


class Site(BaseHTTPRequestHandler):
    """A site on this machine that answers what it is told to, and keeps what it was asked."""

    status = 200
    hosts: list[str]
    told: list[dict[str, str]]

    def do_GET(self) -> None:
        type(self).hosts.append(f"{self.headers['Host']}{self.path}")
        type(self).told.append(dict(self.headers.items()))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the site."""
    Site.status, Site.hosts, Site.told = 200, [], []
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def process(pid: int, *versions: str, parent: int = 1, started: str = "1") -> Process:
    return Process(pid, parent, started, frozenset(versions))


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> list[list[Process]]:
    """The service's processes, each time that they are looked at; the last ones stay."""
    seen = [[process(10, NEW), process(11, NEW, parent=10)]]
    monkeypatch.setattr(systemd, "processes", lambda *_: seen.pop(0) if len(seen) > 1 else seen[0])
    monkeypatch.setattr(systemd, "unit_properties", lambda _: {"MainPID": "10"})
    monkeypatch.setattr(health, "PAUSE", 0.0)
    monkeypatch.setattr(last_words, "acting_as", lambda _: contextlib.nullcontext())
    return seen


def layout(site: str, **changes: Any) -> Layout:
    """The app at a site's address, with no time to lose."""
    told = settings(health_url=f"{site}/ready?x=1").for_host()
    return Layout(replace(told, **{"health_timeout": 0, "health_stable": 0, **changes}), Path("/home/app"))


# --- The app


def test_the_app_is_asked_by_the_name_of_the_website(site: str, app: list[list[Process]]) -> None:
    assert app_problem(layout(site), NEW) is None
    assert Site.hosts == ["www.example.com/ready?x=1"]


def test_an_app_is_not_well_while_a_process_of_the_old_version_still_answers(
    site: str, app: list[list[Process]]
) -> None:
    app[:] = [[process(10, NEW), process(11, LIVE)]]
    assert app_problem(layout(site), NEW) == f"process 11 runs from {LIVE}"
    assert Site.hosts == []


def test_an_app_that_is_well_at_last_is_healthy(site: str, app: list[list[Process]]) -> None:
    app[:] = [[], [process(10, LIVE)], [process(10, NEW)]]
    prove_healthy(layout(site, health_timeout=5), NEW)
    assert app == [[process(10, NEW)]]
    # It was asked once its processes were the version's own, and not before.
    assert Site.hosts == ["www.example.com/ready?x=1"]


def test_an_app_that_is_not_well_in_time_is_unhealthy_and_why(site: str, app: list[list[Process]]) -> None:
    Site.status = 500
    with pytest.raises(Unhealthy, match=r"not healthy within 0 s: .* answers 500, not 200"):
        prove_healthy(layout(site), NEW)


def test_an_app_whose_process_dies_and_is_born_again_is_unhealthy(
    site: str, app: list[list[Process]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app[:] = [[process(10, NEW)], [process(10, NEW)], [process(10, NEW, started="2")]]
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(Unhealthy, match="did not stay up for 2 s"):
        watch(layout(site, health_stable=2), NEW)


@pytest.mark.parametrize(("started", "stays"), [(90, True), (110, False)])
def test_an_app_whose_process_was_born_again_before_it_was_watched_is_unhealthy(
    site: str, app: list[list[Process]], started: int, stays: bool
) -> None:
    app[:] = [[process(10, NEW, started=str(started * health.TICKS))]]
    with contextlib.nullcontext() if stays else pytest.raises(Unhealthy, match="did not stay up: a process"):
        watch(layout(site, health_stable=0.1), NEW, since=100.0)


def test_an_app_that_stays_up_and_answers_badly_by_then_is_unhealthy(
    site: str, app: list[list[Process]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: setattr(Site, "status", 503))
    with pytest.raises(Unhealthy, match=r"did not stay well for 0.1 s: .* answers 503, not 200"):
        watch(layout(site, health_stable=0.1), NEW)
    assert len(Site.hosts) == 1


def test_an_app_that_answers_badly_once_while_it_is_watched_is_unhealthy(
    site: str, app: list[list[Process]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [200, 500]
    monkeypatch.setattr("time.sleep", lambda _: setattr(Site, "status", answers.pop(0) if answers else 200))
    with pytest.raises(Unhealthy, match=r"did not stay well for 60 s: .* answers 500, not 200"):
        watch(layout(site, health_stable=60), NEW)
    assert len(Site.hosts) == 2


def test_the_app_is_asked_with_the_headers_of_the_settings_and_those_of_a_web_server(
    site: str, app: list[list[Process]]
) -> None:
    assert app_problem(layout(site, health_headers={"X-Probe": "a b", "Authorization": "Basic x"}), NEW) is None
    assert Site.told[0].items() >= {"X-Probe": "a b", "Authorization": "Basic x"}.items()
    assert Site.told[0]["X-Forwarded-Proto"] == "https"
    assert app_problem(layout(site, website_url="http://www.example.com/"), NEW) is None
    assert not {"X-Probe", "X-Forwarded-Proto"} & Site.told[1].keys()


@pytest.mark.parametrize(("restart", "wrong"), [("rolling", None), ("restart", f"process 10 runs from {LIVE}")])
def test_supervisord_itself_may_run_from_an_older_version_with_rolling_only(
    site: str, app: list[list[Process]], restart: str, wrong: str | None
) -> None:
    app[:] = [[process(10, LIVE), process(11, NEW, parent=10)]]
    assert app_problem(layout(site, restart=restart), NEW) == wrong


def test_with_rolling_any_other_process_of_an_older_version_counts_and_so_does_supervisord_alone(
    site: str, app: list[list[Process]]
) -> None:
    rolling = layout(site, restart="rolling")
    app[:] = [[process(10, LIVE), process(11, NEW, parent=10), process(12, LIVE, parent=10)]]
    assert app_problem(rolling, NEW) == f"process 12 runs from {LIVE}"
    app[:] = [[process(10, LIVE)]]
    assert app_problem(rolling, NEW) == f"process 10 runs from {LIVE}"
    assert Site.hosts == []


# --- On the way back


@pytest.fixture
def back(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Has an old version be proven healthy on the way back, which it is not; returns what is noted then."""
    asked: list[dict[str, Any]] = []

    def prove(_: Layout, version: str, **how: Any) -> Any:
        asked.append({"version": version, **how})
        raise Unhealthy("it answers 500\nmore of it")

    monkeypatch.setattr(health, "prove_healthy", prove)

    def proven(**begin: Any) -> Any:
        step: Any = SimpleNamespace(layout=SimpleNamespace(path=lambda _: None), begin=begun(**begin))
        return really_undone("health")(step)

    monkeypatch.setattr(step_health, "linked_version", lambda *_: LIVE)
    proven.asked = asked  # type: ignore[attr-defined]
    return proven


def test_an_old_version_that_was_well_and_is_not_on_the_way_back_needs_a_person(back: Any) -> None:
    for begin in ({"healthy_before": True, "ailing": {}}, {}):
        with pytest.raises(Unhealthy, match="it answers 500"):
            back(**begin)
    assert {one["patience"] for one in back.asked} == {PATIENCE}
    assert {one["version"] for one in back.asked} == {LIVE}


def test_an_old_version_that_was_not_well_before_is_said_to_be_as_it_was(back: Any) -> None:
    found = back(healthy_before=False, ailing={"worker": "worker is FATAL"})
    assert found == HealthSeen(version=LIVE, unhealthy="as before the deploy: it answers 500")
    assert back.asked == [{"version": LIVE, "patience": 1, "known": {"worker": "worker is FATAL"}}]


def test_where_no_version_is_live_after_the_way_back_a_person_is_needed(
    back: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_health, "linked_version", lambda *_: None)
    with pytest.raises(StepFailed, match="there is no current version"):
        back(healthy_before=False)


def test_the_site_is_asked_as_a_visitor_would(site: str) -> None:
    told = settings(website_url=f"{site}/start", site_timeout=1).for_host()
    prove_site(told)
    assert Site.hosts == [f"{site.removeprefix('http://')}/start"]


def test_a_site_that_is_not_up_in_time_is_unhealthy(site: str) -> None:
    Site.status = 502
    told = replace(settings(website_url=f"{site}/").for_host(), site_timeout=0)
    with pytest.raises(Unhealthy, match=r"the site is not up within 0 s: .* answers 502, not 200"):
        prove_site(told)


# --- When it is watched


@pytest.mark.parametrize(
    ("kept_out", "mode", "asked"),
    [
        (False, "restart", ["well"]),
        # After that no backup is restored any more.
        (True, "restart", ["well", "the page", "watched", "workers"]),
        (True, "rolling", ["well", "the page", "workers"]),
    ],
)
def test_visitors_come_in_at_the_first_proof_but_where_only_a_backup_could_take_it_back(
    monkeypatch: pytest.MonkeyPatch, kept_out: bool, mode: str, asked: list[str]
) -> None:
    done: list[str] = []
    monkeypatch.setattr(health, "prove_healthy", lambda *_: done.append("well"))
    monkeypatch.setattr(health, "watch", lambda *_: done.append("watched"))
    monkeypatch.setattr(visitors, "prove_past_page", lambda _: done.append("the page"))
    monkeypatch.setattr(step_health, "watched_shut", lambda _: kept_out)
    # What was paused is started as late as can be, and not at all here where the restart has done so.
    monkeypatch.setattr(pausing, "start_new", lambda _: done.append("workers"))
    step: Any = SimpleNamespace(layout=None, version=NEW, progress=None, note=lambda _: Restarted(mode=mode))
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert began <= step_health.Health().do(step).well_at <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert done == asked


@pytest.mark.parametrize(("unhealthy", "watches"), [("", True), ("as before: it answers 500", False)])
def test_on_the_way_back_a_version_is_watched_unless_it_was_not_well_before(
    monkeypatch: pytest.MonkeyPatch, unhealthy: str, watches: bool
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(health, "watch", lambda _, version, **how: asked.append({"version": version, **how}))
    begin, seen = begun(was=LIVE, ailing={"beat": "beat is FATAL"}), HealthSeen(unhealthy=unhealthy)
    step: Any = SimpleNamespace(layout=None, begin=begin, progress=SimpleNamespace(undid=lambda *_: seen))
    said = really_undone("watch")(step).says()
    assert said == f"seen: the version before {'stays well' if watches else 'is not watched'}"
    how = {"version": LIVE, "patience": PATIENCE, "known": {"beat": "beat is FATAL"}}
    assert asked == ([how] if watches else [])


# --- Processes


def test_a_service_without_a_process_is_not_from_any_version() -> None:
    assert not_from([], NEW) == "the service has no process"
    assert not_from([process(10)], NEW) == f"no process of the service runs from {NEW}"


def test_a_supervisor_that_runs_from_no_version_is_nobodys() -> None:
    assert not_from([process(9), process(10, NEW)], NEW) is None


def test_what_lies_beside_the_versions_is_no_other_version() -> None:
    assert not_from([process(10, NEW, "deployment", "log")], NEW) is None


def test_the_main_processes_are_the_supervisor_and_its_children() -> None:
    found = [process(10), process(11, parent=10), process(12, parent=11), process(13)]
    assert main_processes(found, 10) == {(10, "1"), (11, "1")}


names = st.sampled_from([NEW, LIVE, "deployment"])


@given(st.lists(st.sets(names)))
def test_processes_are_a_versions_own_only_when_some_are_and_none_is_of_another(versions: list[set[str]]) -> None:
    found = [process(number, *names) for number, names in enumerate(versions)]
    good = any(NEW in names for names in versions) and not any(LIVE in names for names in versions)
    assert (not_from(found, NEW) is None) == good


# --- At work, or waiting


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_process_is_at_work_while_a_descendant_is_and_not_once_they_wait() -> None:
    child = "import sys\nprint(0, flush=True)\nsys.stdin.readline()\nwhile True: pass"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    argv = [sys.executable, "-c", parent]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            # Then both wait: the one for its child, the child for a line.
            process.stdout.readline()
            until(lambda: not systemd.at_work(process.pid))
            process.stdin.write(b"\n")
            process.stdin.flush()
            until(lambda: systemd.at_work(process.pid))
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_process_whose_name_is_no_text_keeps_nobody_from_looking(tmp_path: Path) -> None:
    # The kernel cuts a name after 15 bytes, also within a letter.
    program = tmp_path / "warteschlange-é"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        try:
            assert systemd.family_ids(process.pid) == {process.pid}
            assert not group_runs(process.pid + 2**22, "1")
        finally:
            process.kill()
