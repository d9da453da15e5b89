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
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host.processes import group_runs
from agent.service import health, last_words, systemd
from agent.service.health import Unhealthy, app_problem, prove_healthy, prove_site
from agent.service.systemd import Process, main_processes, not_from
from agent.versions.layout import Layout
from tests.unit.examples import LIVE, NEW, settings


class Site(BaseHTTPRequestHandler):
    """A site on this machine that answers what it is told to, and keeps what it was asked."""

    status = 200
    hosts: list[str]

    def do_GET(self) -> None:
        type(self).hosts.append(f"{self.headers['Host']}{self.path}")
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the site."""
    Site.status, Site.hosts = 200, []
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
    limits = {"health_timeout": 0, "health_stable": 0}
    told = settings(health_url=f"{site}/ready?x=1").model_dump(mode="json")
    return Layout({**told, **limits, **changes}, Path("/home/app"))


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
        prove_healthy(layout(site, health_stable=2), NEW)


def test_the_site_is_asked_as_a_visitor_would(site: str) -> None:
    told = settings(website_url=f"{site}/start", site_timeout=1).model_dump(mode="json")
    prove_site(told)
    assert Site.hosts == [f"{site.removeprefix('http://')}/start"]


def test_a_site_that_is_not_up_in_time_is_unhealthy(site: str) -> None:
    Site.status = 502
    told = {**settings(website_url=f"{site}/").model_dump(mode="json"), "site_timeout": 0}
    with pytest.raises(Unhealthy, match=r"the site is not up within 0 s: .* answers 502, not 200"):
        prove_site(told)


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
