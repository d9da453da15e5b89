"""Waking supervisord: whoever connects to its socket does, until whoever started that is gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.command import launch
from agent.restart import full
from agent.restart.full import WAKE
from tests.unit.healthy import host_settings

LIMIT = 10.0


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "supervisor.sock"))
        listener.listen()
        listener.settimeout(LIMIT)
        yield listener


def waker(path: str, parent: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", WAKE, path, str(parent)])


def test_it_connects_again_and_again_also_to_a_socket_that_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "supervisor.sock"
    with waker(str(path), os.getpid()) as process, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(LIMIT)
        for _ in range(3):
            listener.accept()[0].close()
        assert process.poll() is None
        process.kill()


def test_it_ends_when_whoever_has_started_it_is_gone(listening: socket.socket) -> None:
    another = os.getppid()
    with waker(listening.getsockname(), another) as process:
        assert process.wait(LIMIT) == 0


def test_where_it_can_not_be_kept_awake_the_service_restarts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    restarted: list[str] = []
    monkeypatch.setattr(full, "_socket", lambda layout: "/run/supervisor.sock")
    monkeypatch.setattr(full, "user_env", lambda user: {})
    monkeypatch.setattr(full, "launch", no_more)
    monkeypatch.setattr("agent.restart.full.systemd.restart", lambda runner, unit: restarted.append(unit))
    step: Any = SimpleNamespace(settings=host_settings(), layout=SimpleNamespace(app="app"), runner=lambda user: None)
    full.restart(step)
    assert restarted == ["django"]


def test_it_is_in_no_session_of_ours_so_that_the_app_can_signal_nobody_by_it(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full, "_socket", lambda layout: listening.getsockname())
    monkeypatch.setattr(full, "user_env", lambda user: {})
    monkeypatch.setattr("agent.restart.full.systemd.stop", lambda runner, unit: listening.accept()[0].close())
    started: list[int] = []

    def remember(argv: list[str], user: str, folder: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
        process = launch(argv, None, folder, env)
        started.append(os.getsid(process.pid))
        return process

    monkeypatch.setattr(full, "launch", remember)
    step: Any = SimpleNamespace(settings=host_settings(), layout=SimpleNamespace(app="app"), runner=lambda user: None)
    full.stop(step)
    assert started
    assert os.getsid(0) not in started


def test_who_was_killed_when_the_service_was_stopped_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "django.service: State 'stop-sigterm' timed out. Killing.\n"
    said += "".join(
        f"django.service: Killing process {one} with signal SIGKILL.\n" for one in ("71 (celery)", "72 (sh)")
    )
    monkeypatch.setattr(full, "KILLS_NOBODY", -1.0)
    monkeypatch.setattr(full, "_socket", lambda layout: "")
    monkeypatch.setattr("agent.restart.full.systemd.restart", lambda runner, unit: None)
    monkeypatch.setattr("agent.restart.full.systemd.said_since", lambda unit, since: said)
    step: Any = SimpleNamespace(settings=host_settings(), layout=SimpleNamespace(app="app"), runner=lambda user: None)
    full.restart(step)
    told = capsys.readouterr().out
    assert "WARNING: process 71 (celery) did not end in time and was killed (SIGKILL)" in told
    assert "process 72 (sh)" in told
