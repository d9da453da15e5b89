"""What check says of what would be in the way of the app's next start, or of its end."""

from __future__ import annotations

import os
import pwd
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.look.needs import about_start_and_end
from agent.service import in_the_way
from agent.service.supervisor_config import parse
from agent.versions.layout import Layout
from switchback.checks.needs import looked_at, need_problems
from tests.unit import healthy
from tests.unit.examples import LIVE

ME = pwd.getpwuid(os.getuid()).pw_name
CONFIG = """
[supervisord]
logfile={folder}/supervisord.log
[program:web]
process_name=web_%(process_num)02d
stdout_logfile={folder}/web_%(process_num)02d.log
stderr_logfile=NONE
[program:worker]
stopwaitsecs=120
stdout_logfile=AUTO
"""


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says what check finds on a host where some files are another's, and the unit waits so long."""
    theirs: set[str] = set()
    real = os.lstat

    def lstat(path: Any) -> Any:
        info = real(path)
        named = str(path) in theirs
        uid, gid = (65534, 65534) if named else (info.st_uid, info.st_gid)
        return SimpleNamespace(st_uid=uid, st_gid=gid, st_mode=info.st_mode)

    def walked(folder: str) -> Any:
        return ((str(path), lstat(path)) for path in sorted(Path(folder).rglob("*")))

    monkeypatch.setattr("agent.service.in_the_way.os.lstat", lstat)
    monkeypatch.setattr("agent.service.in_the_way.walk", walked)
    monkeypatch.setattr(in_the_way, "acting_as", lambda _: nullcontext())

    def check(*names: str, limit: str = "infinity", **values: Any) -> dict[str, Any]:
        for name in ("supervisord.log", "web_00.log", "web_01.log", f"{LIVE}/venv/a.pyc", f"{LIVE}/venv/b.pyc"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
        theirs.update(str(tmp_path / name) for name in names)
        monkeypatch.setattr(
            "agent.service.in_the_way.systemd.unit_property", lambda unit, name: {"User": ME}.get(name, limit)
        )
        settings = healthy.settings(versions_dir=str(tmp_path), restart_timeout=600, **values)
        layout = Layout(replace(settings.for_host(), app_username=ME), tmp_path)
        running = parse(CONFIG.format(folder=tmp_path))
        seen = healthy.site(needs=healthy.needs(in_the_way=about_start_and_end(layout, LIVE, running)))
        return {"problems": need_problems(seen, settings), "looked": looked_at(healthy.host(seen), settings)[0]}

    return check


def test_what_is_well_is_said_to_have_been_looked_at(found: Any) -> None:
    told = found()
    assert told["problems"] == []
    assert "logs ✓ owners ✓ unit's limits ✓" in told["looked"]


def test_a_log_that_the_app_can_not_write_is_found_before_anything_is_restarted(found: Any, tmp_path: Path) -> None:
    first, second = found("supervisord.log", "web_01.log")["problems"]
    assert first.startswith(f"{tmp_path}/supervisord.log belongs to nobody and app can't write it")
    assert f"supervisord won't start web again: chown app: {tmp_path}/web_01.log" in second
    assert "create 640 app app" in second


def test_logs_that_supervisord_writes_as_root_are_in_nobodys_way(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_the_way, "_runs_as_app", lambda *_: False)
    assert found("supervisord.log")["problems"] == []


def test_a_file_that_the_app_itself_says_it_can_not_open_is_told_with_the_line_that_heals_it(
    found: Any, tmp_path: Path
) -> None:
    found("web_00.log")
    path = f"{tmp_path}/web_00.log"
    said = f"PermissionError: [Errno 13] Permission denied: '{path}'\nValueError: Unable to configure handler 'file'\n"
    (line,) = in_the_way.not_written(said * 2, ME)
    assert line.startswith(f"{path} belongs to nobody and {ME} can't write it, so the app won't start: chown {ME}: ")
    assert in_the_way.not_written(said.replace("web_00", "web_01"), ME) == []


def test_files_of_roots_in_the_live_version_are_found(found: Any, tmp_path: Path) -> None:
    (problem,) = found(f"{LIVE}/venv/a.pyc", f"{LIVE}/venv/b.pyc")["problems"]
    assert problem.startswith("2 files and folders in the live version are not app's")
    assert f"{tmp_path}/{LIVE}/venv/a.pyc of nobody's for one" in problem
    assert "chown -h app:" in problem


@pytest.mark.parametrize("limit", ["30s", "1min 30s", "2min"])
def test_a_unit_that_would_kill_a_worker_at_work_is_found_with_the_line_to_write(limit: str, found: Any) -> None:
    (problem,) = found(limit=limit)["problems"]
    assert "its programs may take 130 s to end (worker has stopwaitsecs=120)" in problem
    assert "write TimeoutStopSec=145 below [Service] with systemctl edit django" in problem


@pytest.mark.parametrize("limit", ["infinity", "2min 11s", "1h", ""])
def test_a_unit_that_waits_long_enough_is_well(limit: str, found: Any) -> None:
    assert found(limit=limit)["problems"] == []
