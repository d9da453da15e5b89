"""A version that a process works in is not deleted: not by number, not by name, and not if it begins to meanwhile."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.host import reading
from agent.runs import clean
from agent.service import systemd
from agent.service.systemd import versions_in_use
from agent.state import State
from agent.versions.known import Mark
from agent.versions.layout import Layout
from agent.versions.marks import write_mark
from agent.words.outcomes import Refused
from agent.words.requests import Clean
from tests.unit.examples import LIVE, OLD, settings

ME = pwd.getpwuid(os.getuid()).pw_name
MAPS = "import mmap, sys; f = open(sys.argv[1], 'r+b'); m = mmap.mmap(f.fileno(), 0); f.close(); input()"
READS = "import sys; f = open(sys.argv[1]); input()"


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    for name in (OLD, LIVE):
        (tmp_path / name / "code").mkdir(parents=True)
        (tmp_path / name / "code" / "file").write_text("text")
    return tmp_path


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that waits until the test is over."""
    started: list[subprocess.Popen[bytes]] = []

    def work(*argv: str, cwd: Path | str = "/") -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    yield work
    for process in started:
        process.kill()
        process.communicate()


def used(versions: Path, name: str = OLD) -> str:
    return versions_in_use("no-such-unit", ME, versions).get(name, "")


def test_what_nobody_works_in_is_free(versions: Path) -> None:
    assert versions_in_use("no-such-unit", ME, versions) == {}


def test_where_a_process_works_its_version_stays(versions: Path, start: Callable[..., Any]) -> None:
    process = start("cat", cwd=versions / OLD / "code")
    assert used(versions) == f"process {process.pid} (cat)"
    assert LIVE not in versions_in_use("no-such-unit", ME, versions)


def test_what_a_process_runs_stays(versions: Path, start: Callable[..., Any]) -> None:
    program = versions / OLD / "code" / "cat"
    shutil.copy("/bin/cat", program)
    start(str(program))
    assert "cat" in used(versions)


@pytest.mark.parametrize("name", ["file", "line\u2028break", "car\rriage"])
@pytest.mark.parametrize("code", [MAPS, READS])
def test_what_a_process_has_open_or_mapped_stays(
    versions: Path, start: Callable[..., Any], name: str, code: str
) -> None:
    file = versions / OLD / "code" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("text")
    # By another way, so that its command line does not tell.
    link = versions / "link"
    link.symlink_to(file)
    process = start(sys.executable, "-c", code + "; print()", str(link))
    process.stdin.flush()
    for _ in range(1000):
        if used(versions):
            break
    assert f"process {process.pid} (" in used(versions)


def test_the_version_of_a_script_stays_while_it_runs(versions: Path, start: Callable[..., Any]) -> None:
    script = versions / OLD / "code" / "work.py"
    script.write_text("print(flush=True); input()")
    # By now it has read the script, which no file of its own leads to any more.
    start(sys.executable, str(script)).stdout.readline()
    assert "work.py" in used(versions)


@pytest.fixture
def of_service(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The processes that the kernel says are of the service."""
    pids: set[int] = set()
    told = reading.told_by_kernel

    def tell(path: Path) -> str:
        if path.name == "cgroup" and path.parent.name.isdigit() and int(path.parent.name) in pids:
            return "0::/system.slice/django.service"
        return told(path)

    monkeypatch.setattr(systemd, "told_by_kernel", tell)
    return pids


def test_what_a_process_of_the_service_was_started_from_stays_whoever_runs_it(
    versions: Path, start: Callable[..., Any], of_service: set[int]
) -> None:
    somebody = "nobody" if ME != "nobody" else "root"
    process = start("cat", cwd=versions / OLD)
    assert versions_in_use("django", somebody, versions) == {}
    of_service.add(process.pid)
    assert versions_in_use("django", somebody, versions) == {OLD: f"process {process.pid} (cat)"}


def test_a_password_in_a_command_is_not_told(versions: Path, start: Callable[..., Any]) -> None:
    start("sh", "-c", "read x", "sh", "--password", "hunter2secret", cwd=versions / OLD)
    assert "hunter2secret" not in used(versions)
    assert "--password ***" in used(versions)


@pytest.fixture
def host(versions: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A host to clean, and what is asked of it."""
    monkeypatch.setattr(clean, "acting_as", lambda _: nullcontext())
    monkeypatch.setattr("agent.versions.venv_pool.acting_as", lambda _: nullcontext())
    monkeypatch.setattr("agent.transaction.reserve.acting_as", lambda _: nullcontext())
    monkeypatch.setattr("agent.transaction.bounds.acting_as", lambda _: nullcontext())
    monkeypatch.setattr(Layout, "of", lambda told: Layout(replace(told, app_username=ME), versions))
    monkeypatch.setattr(clean, "_tidy", lambda *_: None)
    state = State("django", versions / "state")
    state.create()
    for name in (OLD, LIVE):
        write_mark(state, name, Mark(built_by="x", working=1))
    (versions / "django-current").symlink_to(versions / LIVE)
    told = settings().for_host()
    return {"state": state, "request": Clean("20261128-120000-clean-ab12", "a", told, keep=1)}


def test_a_version_that_is_worked_in_is_kept_and_said_to_be(
    host: dict[str, Any], versions: Path, start: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    process = start("cat", cwd=versions / OLD / "code")
    assert clean.clean(host["state"], host["request"]).deleted == []
    said = f"process {process.pid} (cat) works in it, or was started from it"
    assert f"kept: {OLD}: {said}" in capsys.readouterr().out
    with pytest.raises(Refused, match=f"{OLD} can't be deleted: process {process.pid}"):
        clean.clean(host["state"], replace(host["request"], named=(OLD,)))
    assert (versions / OLD / "code" / "file").exists()


@pytest.mark.parametrize("named", [(), (OLD,)])
def test_it_is_asked_again_once_the_host_is_held(
    host: dict[str, Any], versions: Path, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    answers = iter([{}, {OLD: "process 7 (cat)"}])
    monkeypatch.setattr(systemd, "versions_in_use", lambda *_: next(answers))
    request = replace(host["request"], named=named)
    if named:
        with pytest.raises(Refused, match="nothing was deleted"):
            clean.clean(host["state"], request)
    else:
        assert clean.clean(host["state"], request).deleted == []
    assert (versions / OLD / "code" / "file").exists()


def test_a_version_that_nobody_works_in_is_deleted(host: dict[str, Any], versions: Path) -> None:
    assert clean.clean(host["state"], host["request"]).deleted == [OLD]
    assert not (versions / OLD).exists()


def test_the_version_that_supervisord_itself_runs_from_stays_however_long_ago_the_links_have_left_it(
    host: dict[str, Any],
    versions: Path,
    start: Callable[..., Any],
    of_service: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With rolling it is not restarted with a new version, and it is root's.
    somebody = "nobody" if ME != "nobody" else "root"
    ask = systemd.versions_in_use
    monkeypatch.setattr(systemd, "versions_in_use", lambda unit, user, folder: ask(unit, somebody, folder))
    program = versions / OLD / "venv" / "bin" / "supervisord"
    program.parent.mkdir(parents=True)
    program.write_text("print(flush=True); input()")
    process = start(sys.executable, str(program))
    process.stdout.readline()
    of_service.add(process.pid)
    unused = "django-20261101-200000-eeeeeee-fffffff"
    (versions / unused).mkdir()
    write_mark(host["state"], unused, Mark(built_by="x", working=1))
    assert clean.clean(host["state"], host["request"]).deleted == [unused]
    with pytest.raises(Refused, match=f"{OLD} can't be deleted: process {process.pid}"):
        clean.clean(host["state"], replace(host["request"], named=(OLD,)))
    assert program.exists()
