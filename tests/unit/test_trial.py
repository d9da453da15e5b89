"""The trial start: how a version is started where no visitor comes, and what is a verdict on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.restart.trial_start import Command
from agent.service.health import Unhealthy
from agent.service.startable import Unit
from agent.service.supervisor_config import Unreadable, parse
from agent.steps.build import trial
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout
from agent.words.notes import Note
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import progress

PYTHON = "/home/app/django-current/venv/bin/python"
HELD = f"[fcgi-program:web]\nsocket=tcp://127.0.0.1:8000\ncommand={PYTHON} -m gunicorn --bind fd://0 wsgi:application\n"


@pytest.mark.parametrize(
    ("command", "moved"),
    [
        ("gunicorn -b 127.0.0.1:8000 wsgi:application", "gunicorn -b 127.0.0.1:4711 wsgi:application"),
        ("gunicorn --bind=:8000 wsgi:application", "gunicorn --bind=127.0.0.1:4711 wsgi:application"),
        ("daphne -b 127.0.0.1 -p 8000 asgi:application", "daphne -b 127.0.0.1 -p 4711 asgi:application"),
        ("uvicorn --host 127.0.0.1 --port=8000 asgi:app", "uvicorn --host 127.0.0.1 --port=4711 asgi:app"),
        ("hypercorn --bind localhost:8000 asgi:app", "hypercorn --bind 127.0.0.1:4711 asgi:app"),
    ],
)
def test_a_server_is_told_another_port_in_its_own_way(command: str, moved: str) -> None:
    found = trial.elsewhere(Command(tuple(command.split()), "/", {}, "app"), 4711)
    assert (list(found.argv), found.port, found.held) == (moved.split(), 4711, False)


@pytest.mark.parametrize("command", ["uwsgi --ini site.ini", "gunicorn -p /run/web.pid wsgi:app", "gunicorn --bind"])
def test_a_server_that_is_told_nothing_of_a_port_is_left_as_it_is(command: str) -> None:
    found = trial.elsewhere(Command(tuple(command.split()), "/", {}, "app"), 4711)
    assert (list(found.argv), found.port) == (command.split(), None)


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Layout]:
    """A host whose supervisord reads a config."""

    def layout(text: str) -> Layout:
        monkeypatch.setattr(trial, "_supervisord", lambda layout: ("/home/app/deployment/supervisord.conf", 0))
        monkeypatch.setattr(trial, "read_config", lambda path, user: parse(text))
        return Layout(settings().for_host(), Path("/home/app"))

    return layout


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HELD, ""),
        (f"[program:web]\ncommand={PYTHON} -m daphne -p 8000 asgi:application\n", ""),
        (
            "[program:web]\ncommand=uwsgi --http=:8000\n",
            "web's address can't be replaced: what it serves is only loaded",
        ),
        ("[program:worker]\ncommand=celery worker\n", "no program of supervisord's is known to serve health_url"),
    ],
)
def test_a_preview_says_why_there_is_no_trial_start(config: Callable[[str], Layout], text: str, why: str) -> None:
    assert trial.why_none(config(text), NEW, Path("/srv/config")) == why


def test_an_environment_that_only_systemd_knows_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(layout: Layout) -> None:
        raise Unreadable("the service django does not run")

    unit = Unit("/srv/supervisord", ("/srv/supervisord", "-c", "/srv/supervisord.conf"), environment=True)
    monkeypatch.setattr(trial, "find_running", none)
    monkeypatch.setattr(trial, "started_by", lambda name: unit)
    layout = Layout(settings().for_host(), Path("/home/app"))
    assert "only systemd knows its environment" in trial.why_none(layout, NEW, None)


class First:
    """A trial start that is well, or not."""

    seconds = 1.0

    def __init__(self, well: str = "", answers: str = "") -> None:
        self.wait_until_well, self.wait_until_it_answers = (self._raises(text) for text in (well, answers))
        self.ended = False

    def _raises(self, text: str) -> Callable[[], None]:
        def wait() -> None:
            if text:
                raise Unhealthy(text)

        return wait

    def end(self) -> None:
        self.ended = True


def judged(monkeypatch: pytest.MonkeyPatch, first: First, *, way: str = "restart", pending: bool = False) -> Any:
    """What the step finds out with a start of this kind."""
    note = {
        "pending": [{"app": "items", "name": "0002"}] if pending else [],
        "restart": {"way": way, "interrupts": False},
    }
    found = progress({"event": "begin"}, {"event": "step done", "step": "checks", "note": note})
    step: Any = SimpleNamespace(progress=found, begin=found.begin, note=found.note)
    monkeypatch.setattr(trial, "_command", lambda step: Command((), "/", {}, "app"))
    monkeypatch.setattr(trial, "start", lambda step, command: first)
    return trial.Trial().do(step)


def test_with_nothing_to_migrate_a_bad_answer_is_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    first = First(well="http://127.0.0.1:1/ answers 500, not 200")
    with pytest.raises(Unhealthy, match="answers 500"):
        judged(monkeypatch, first)
    assert first.ended


def test_with_migrations_to_come_only_that_it_answers_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, First(well="answers 500, not 200"), pending=True) == Note()
    with pytest.raises(Unhealthy, match="did not start"):
        judged(monkeypatch, First(answers="did not start: KeyError"), pending=True)


def test_an_app_that_holds_an_address_of_its_own_is_not_blamed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = First(well="did not start: ended with exit code 1\nOSError: [Errno 98] Address already in use")
    assert "holds an address of its own" in judged(monkeypatch, first).skipped
    assert first.ended


@pytest.mark.parametrize(("way", "ended"), [("rolling", False), ("restart", True)])
def test_it_goes_on_only_where_processes_are_replaced_under_its_eyes(
    monkeypatch: pytest.MonkeyPatch, way: str, ended: bool
) -> None:
    first = First()
    judged(monkeypatch, first, way=way)
    assert first.ended is ended


def before_a_restart(monkeypatch: pytest.MonkeyPatch, first: First, *problems: str, serves: bool, way: str) -> Any:
    """What the step finds out before a restart, where so much is known to keep the service from starting."""
    mode = {"way": way, "interrupts": False}
    found = progress({"event": "begin", "kind": "restart", "healthy_before": serves, "restart": mode})
    step: Any = SimpleNamespace(progress=found, begin=found.begin, note=found.note, version=LIVE)
    monkeypatch.setattr(trial, "_command", lambda step: Command((), "/", {}, "app"))
    monkeypatch.setattr(trial, "start", lambda step, command: first)
    monkeypatch.setattr(trial, "would_not_start", lambda step: list(problems))
    return trial.Trial().do(step)


def test_what_serves_and_could_not_be_started_again_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StepFailed, match=r"could not be started again:\nchown app: /srv/web.log"):
        before_a_restart(monkeypatch, First(), "chown app: /srv/web.log", serves=True, way="restart")
    first = First(well="did not start: its process ended with exit code 3")
    with pytest.raises(Unhealthy, match="did not start"):
        before_a_restart(monkeypatch, first, serves=True, way="restart")
    assert first.ended


def test_what_is_down_already_is_tried_to_restart_and_what_is_known_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = First(well="never")
    told = before_a_restart(monkeypatch, first, "chown app: /srv/web.log", serves=False, way="restart")
    assert "is not healthy as it runs now" in told.skipped
    assert "trial: WARNING: chown app: /srv/web.log" in capsys.readouterr().out


@pytest.mark.parametrize(("way", "ended"), [("rolling", False), ("restart", True)])
def test_a_rolling_restart_takes_its_trial_start_over(monkeypatch: pytest.MonkeyPatch, way: str, ended: bool) -> None:
    first = First()
    assert before_a_restart(monkeypatch, first, serves=True, way=way) == Note()
    assert first.ended is ended
