"""A version that is started before the links lead to it: by which paths, and when it is left until they do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.processes import group_runs, started_at, stop_group
from agent.restart import background, early
from agent.restart.early import at_its_own_path, take
from agent.restart.trial_start import Command, begun
from agent.service.health import Unhealthy
from agent.transaction.transaction import Kept
from agent.versions.known import Seal
from agent.versions.layout import Layout
from tests.unit.examples import NEW, settings
from tests.unit.healthy import host_settings
from tests.unit.journals import progress

HOME = "/home/app"
OWN = f"{HOME}/{NEW}"
WEB = Command(
    argv=(f"{HOME}/django-current/venv/bin/python", "-m", "gunicorn", "--bind", "fd://0", "wsgi:application"),
    folder=f"{HOME}/django-current/config",
    env={"PATH": f"{HOME}/venv/bin:/usr/bin", "DJANGO": f"{HOME}/django/", "OTHER": f"{HOME}/django-currently"},
    user="app",
)


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr("agent.restart.early.read_seal", lambda version: Seal(self_contained=version == Path(OWN)))
    return Layout(settings().for_host(), Path(HOME))


def test_every_link_is_followed_to_where_it_will_lead_and_nothing_else_is_touched(layout: Layout) -> None:
    command = at_its_own_path(layout, WEB, NEW)
    assert command is not None
    assert command.argv == (f"{OWN}/venv/bin/python", *WEB.argv[1:])
    assert command.folder == f"{OWN}/config"
    assert command.env == {"PATH": f"{OWN}/venv/bin:/usr/bin", "DJANGO": f"{OWN}/code/", "OTHER": WEB.env["OTHER"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"folder": f"{HOME}/deployment"},
        {"folder": "/srv"},
        {"argv": (*WEB.argv, "--pythonpath", f"{HOME}/deployment")},
        {"env": {"PYTHONPATH": f"{HOME}/deployment:/srv"}},
    ],
)
def test_what_would_still_lead_to_the_live_version_is_left_until_the_links_are_swapped(
    changed: dict[str, Any], layout: Layout
) -> None:
    command = Command(**{**vars(WEB), **changed})
    assert at_its_own_path(layout, command, NEW) is None


def test_a_version_that_has_not_shown_that_it_runs_from_itself_is_left_until_then(layout: Layout) -> None:
    assert at_its_own_path(layout, WEB, "django-20261124-000000-aaaaaaa-bbbbbbb") is None


class Step:
    """As much of a step as a trial start has to do with."""

    def __init__(self, folder: Path, *kept: Kept, **begin: Any) -> None:
        self.progress = progress(
            {"event": "begin", "kind": "revert", "restart": {"way": "rolling", "interrupts": False}, **begin}
        )
        self.begin = self.progress.begin
        self.transaction = SimpleNamespace(output=lambda name: folder / name, kept={one.name: one for one in kept})
        self.settings = host_settings(health_stable=3, health_timeout=20)
        self.layout, self.version = Layout(settings().for_host(), Path(HOME)), NEW


def kept(process: subprocess.Popen[bytes], started: str = "") -> Kept:
    """A trial start that an earlier step has left to the runner."""
    began = started or started_at(process.pid) or ""
    said = os.memfd_create("said")
    os.write(said, b"connected to postgres://app:secret@db/app\n")
    return Kept(background.TRIAL_START, process.pid, began, "http://127.0.0.1:1/", (said,))


@pytest.fixture
def server() -> Iterator[subprocess.Popen[bytes]]:
    argv = ["sh", "-c", "sleep 60 & echo begun; wait"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        # On a busy machine it may be a while until its child is there, which is to outlive it.
        assert process.stdout.readline() == b"begun\n"
        yield process
        stop_group(process.pid)


def test_a_trial_start_that_an_earlier_step_has_begun_is_found_and_can_be_ended(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    first = begun(Step(tmp_path, kept(server)))  # type: ignore[arg-type]
    assert first is not None
    first.end()
    assert server.poll() is not None
    assert (tmp_path / "rehearsal").read_text().startswith("connected to postgres://app:")
    assert "secret" not in (tmp_path / "rehearsal").read_text()


def test_one_whose_first_process_is_gone_is_not_well_and_all_of_it_is_ended(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    step: Any = Step(tmp_path, kept(server))
    first = begun(step)
    assert first is not None
    started = started_at(server.pid)
    server.kill()
    server.wait()
    assert group_runs(server.pid, started)
    with pytest.raises(Unhealthy, match=r"process has ended\n  connected to postgres://app:\*"):
        first.check()
    assert take(step) is None
    assert not group_runs(server.pid, started)


def test_a_process_that_got_the_id_of_one_that_has_ended_is_left_alone(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    first = begun(Step(tmp_path, kept(server, started="1")))  # type: ignore[arg-type]
    assert first is not None
    first.dismiss()
    first.end()
    assert server.poll() is None


@pytest.mark.parametrize(
    ("begin", "so_far", "times"),
    [
        ({}, [], 1),
        ({"kind": "deploy"}, [], 0),
        ({}, [background.TRIAL_START], 0),
        ({}, ["migrate"], 1),
        ({"kind": "build"}, [], 0),
        ({"kind": "restart"}, [], 0),
        ({"restart": {"way": "restart", "interrupts": True}}, [], 0),
    ],
)
def test_it_is_begun_once_where_there_will_be_one(
    begin: dict[str, Any], so_far: list[str], times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_with: list[Command] = []
    monkeypatch.setattr("agent.restart.early.command_of_web", lambda layout, version: WEB)
    monkeypatch.setattr("agent.restart.early.at_its_own_path", lambda layout, command, version: command)
    monkeypatch.setattr("agent.restart.early.start", lambda step, command: begun_with.append(command))
    early.begin(Step(tmp_path, *(Kept(name, 1, "1", "", (0,)) for name in so_far), **begin))  # type: ignore[arg-type]
    assert begun_with == [WEB] * times


def test_where_it_can_not_be_started_ahead_the_run_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(step: Any, command: Command) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("agent.restart.early.command_of_web", lambda layout, version: WEB)
    monkeypatch.setattr("agent.restart.early.at_its_own_path", lambda layout, command, version: command)
    monkeypatch.setattr("agent.restart.early.start", full)
    early.begin(Step(tmp_path))  # type: ignore[arg-type]
    assert "is not started ahead of its turn: no space left on device" in capsys.readouterr().out
