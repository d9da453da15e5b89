"""What an app has last said: enough to see why it is not well, and nothing that it lays in the way."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.service import last_words
from agent.service.health import Unhealthy, prove_healthy, prove_site
from agent.service.last_words import LastWords, app_logs, end_of_log
from agent.versions.layout import Layout
from tests.unit.examples import NEW, settings

DEEP = ["Traceback (most recent call last):", *(f'  File "a.py", line {n}, in run' for n in range(40)), "KeyError: 'A'"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app's home, with a version whose processes have logs."""
    monkeypatch.setattr(last_words, "acting_as", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(last_words, "_of_unit", lambda *_: ["web_00 exited"])
    config = tmp_path / NEW / "config"
    config.mkdir(parents=True)
    logs = f"stdout_logfile={tmp_path}/web_%(process_num)02d.log\n[program:b]\nstderr_logfile={tmp_path}/**/*.log"
    (config / "supervisord.conf").write_text(f"[supervisord]\nlogfile={tmp_path}/own.log\n[program:web]\n{logs}\n")
    for name in ("own", "web_00", "web_01", "other"):
        (tmp_path / f"{name}.log").write_text("KeyError: 'of before'\n")
    return tmp_path


def layout(home: Path, **changes: Any) -> Layout:
    told = settings(health_url="http://127.0.0.1:1/", website_url="http://127.0.0.1:1/").for_host()
    changes = {"health_timeout": 0, "site_timeout": 0, "versions_dir": str(home), **changes}
    return Layout(replace(told, **changes), home)


def append(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_the_logs_are_those_that_the_config_names(home: Path) -> None:
    assert app_logs(layout(home), NEW) == [home / "own.log", home / "web_00.log", home / "web_01.log"]


def test_of_a_traceback_that_is_being_written_the_whole_one_before_is_told(home: Path) -> None:
    words = LastWords(layout(home), NEW)
    append(home / "own.log", *DEEP, *DEEP[:5], *DEEP[:3])
    assert words.told().endswith("line 39, in run\n  KeyError: 'A'")


def test_the_last_traceback_is_told_with_where_it_is_and_nothing_of_before(home: Path) -> None:
    words = LastWords(layout(home), NEW)
    append(home / "own.log", "spawned: 'web_00'", "exited: web_00 (exit status 3; not expected)")
    append(home / "web_00.log", *DEEP, "[INFO] Shutting down")
    append(home / "web_01.log", *DEEP, "[INFO] Shutting down")
    told = words.told()
    assert told.startswith("\njournal of django:\n  web_00 exited\n")
    assert "own.log:\n  spawned: 'web_00'\n  exited: web_00 (exit status 3; not expected)\n" in told
    # Last, where a screen that shows but an end has it.
    assert "web_00.log:\n  Traceback (most recent call last):\n    …\n" in told
    assert told.endswith("line 39, in run\n  KeyError: 'A'")
    assert "line 3, in run" not in told
    assert "Shutting down" not in told
    assert "web_01.log" not in told
    assert "of before" not in told


def test_a_log_without_a_traceback_is_told_by_its_last_lines(home: Path) -> None:
    words = LastWords(layout(home), NEW)
    append(
        home / "web_00.log", *(f"line {n}" for n in range(20)), "see \x1b[2J https://me:s3cret-word@host/x", "z" * 9000
    )
    told = words.told()
    assert "line 16" not in told
    assert "  line 17\n" in told
    assert "\x1b" not in told
    assert "s3cret-word" not in told
    assert len(told) < 1000


def test_a_log_that_was_begun_anew_is_read_from_its_start(home: Path) -> None:
    words = LastWords(layout(home), NEW)
    (home / "web_00.log").write_text("anew\n")
    assert words.told().endswith("web_00.log:\n  anew")


@pytest.mark.parametrize("lay", ["fifo", "link", "folder", "device"])
def test_what_is_laid_in_the_way_of_a_log_holds_nobody_and_shows_nothing(home: Path, lay: str) -> None:
    (home / "secret").write_text("s3cret-word\n")
    log = home / "web_00.log"
    words = LastWords(layout(home), NEW)
    log.unlink()
    if lay == "fifo":
        os.mkfifo(log)
    elif lay == "folder":
        log.mkdir()
    else:
        log.symlink_to(home / "secret" if lay == "link" else "/dev/zero")
    assert "s3cret-word" not in words.told() + end_of_log(layout(home), log)
    assert end_of_log(layout(home), log).startswith("could not be read: ")


def test_a_config_that_is_no_file_names_no_log(home: Path) -> None:
    config = home / NEW / "config" / "supervisord.conf"
    config.unlink()
    os.mkfifo(config)
    assert app_logs(layout(home), NEW) == []


def test_a_health_check_that_fails_says_what_the_app_has_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> list[Any]:
        append(home / "web_00.log", *DEEP)
        return []

    monkeypatch.setattr("agent.service.systemd.processes", none)
    monkeypatch.setattr("agent.service.systemd.unit_properties", lambda _: {})
    with pytest.raises(Unhealthy, match=r"(?s)^not healthy within 0 s: the service has no process\n.*KeyError: 'A'$"):
        prove_healthy(layout(home), NEW)


def test_so_does_the_check_of_the_site(home: Path) -> None:
    words = LastWords(layout(home), NEW)
    append(home / "web_00.log", *DEEP)
    with pytest.raises(Unhealthy, match=r"(?s)^the site is not up within 0 s: .* does not answer: .*KeyError: 'A'$"):
        prove_site(layout(home).settings, words)
