"""A Django that stays after its first verb: it migrates once it is told to, and not otherwise."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.django import manage, warm
from agent.host.command import CommandFailed, Runner
from agent.host.processes import started_at, stop_group
from agent.inside.protocol import RESULT_PREFIX, Checks, Migrated
from agent.transaction.progress import read_progress
from agent.transaction.transaction import Kept
from tests.unit.django_found import nothing
from tests.unit.healthy import host_settings
from tests.unit.journals import begun

PENDING = {"app": "items", "name": "first", "reversible": True, "atomic": True, "operations": []}
CHECKED = {**nothing(Migrated), **nothing(Checks), "pending": [PENDING]}
FOUND = f"print({RESULT_PREFIX!r} + {json.dumps(CHECKED)!r}, flush=True)\n"
ROOT = str(Path(warm.__file__).parents[2])
# In the place of Django: finds something, stays as it would, and is told.
STAYING = f"""
import sys, time
sys.path.insert(0, {ROOT!r})
from agent.inside.start import stay
def let_go():
    pass
def migrate():
    print("Applying", flush=True)
    raise SystemExit("it broke")
{FOUND}"""
STAY = "stay(int(sys.argv[-1]), let_go, migrate)\n"
ANSWERS = f"{STAYING}def migrate():\n    print('Applying', flush=True)\n    return {nothing(Migrated)!r}\n{STAY}"


class Step:
    """As much of a step as a verb has to do with."""

    name = "migrate"
    version = "django-20261125-120000-aaaaaaa-bbbbbbb"
    limit = 30.0

    def __init__(self, folder: Path, **begin: Any) -> None:
        self._folder = folder
        self.kept: dict[str, Kept] = {}
        self.begin = begun(**begin)
        self.layout = SimpleNamespace(app=None, part=lambda version, part: folder)
        self.transaction = SimpleNamespace(folder=folder, kept=self.kept, keep=self.keep, deploy="20261128-1")
        self.settings = host_settings()

    def keep(self, name: str, pid: int, url: str = "", files: Sequence[int] = ()) -> None:
        """As the runner does: what it is handed is its own."""
        self.kept[name] = Kept(name, pid, started_at(pid) or "", url, tuple(os.dup(file) for file in files))

    @property
    def progress(self) -> Any:
        return read_progress([])

    def runner(self, user: str | None) -> Runner:
        return Runner(user=user, log=self._folder / "log", until=time.time() + self.limit)


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    for module in (manage, warm):
        monkeypatch.setattr(module, "for_app", lambda *_: {})
    one = Step(Path())
    yield one
    for kept in one.kept.values():
        stop_group(kept.pid)
        for file in kept.files:
            os.close(file)


def have(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have that run in the place of manage.py."""
    monkeypatch.setattr(manage, "_python", lambda *_: sys.executable)
    for module in (manage, warm):
        monkeypatch.setattr(
            module, "arguments_of", lambda _, version, verb, *told: [sys.executable, "-c", program, verb, *told]
        )


def stayed(step: Any) -> Kept:
    """The one that stays."""
    ((name, kept),) = step.kept.items()
    assert name == "migrate"
    assert isinstance(kept, Kept)
    return kept


def test_what_it_has_found_is_known_while_it_stays_and_the_runner_keeps_it(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(ANSWERS, monkeypatch)
    assert warm.django_that_stays(step, Checks, "static", "folder").pending[0].name == "first"
    assert stayed(step).goes_on
    assert Path("log").read_text().endswith("[goes on]\n")


def test_told_to_migrate_it_answers_and_ends(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have(ANSWERS, monkeypatch)
    warm.django_that_stays(step, Checks, "static")
    assert warm.migrate(step).pending == ()
    assert not stayed(step).goes_on
    assert Path("log").read_text().endswith(" migrate\nApplying\n[has answered]\n")


def test_one_that_has_found_nothing_to_migrate_has_ended_when_that_is_known(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(FOUND, monkeypatch)
    assert warm.django_that_stays(step, Checks, "static").pending[0].name == "first"
    assert step.kept == {}
    assert Path("log").read_text().endswith("[exit code 0]\n")


def test_one_that_fails_at_its_first_verb_has_failed(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have("raise SystemExit('it broke')", monkeypatch)
    with pytest.raises(CommandFailed, match="ended with exit code 1\n  it broke"):
        warm.django_that_stays(step, Checks, "static")


def test_one_that_takes_too_long_at_its_first_verb_is_stopped(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have("import time; time.sleep(60)", monkeypatch)
    step.limit = 0.5
    with pytest.raises(CommandFailed, match="took too long and was stopped"):
        warm.django_that_stays(step, Checks, "static")


def test_one_that_fails_once_it_was_told_has_failed_and_says_why(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have(STAYING + STAY, monkeypatch)
    warm.django_that_stays(step, Checks, "static")
    with pytest.raises(CommandFailed, match="did not finish migrate\n  Applying\n  it broke"):
        warm.migrate(step)


def test_one_that_takes_too_long_once_it_was_told_is_stopped(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = "def migrate():\n    print('Applying', flush=True)\n    time.sleep(60)\n"
    have(STAYING + slow + STAY, monkeypatch)
    warm.django_that_stays(step, Checks, "static")
    step.limit = 0.5
    with pytest.raises(CommandFailed, match="took too long and was stopped\n  Applying"):
        warm.migrate(step)
    assert not stayed(step).goes_on


def test_one_that_answers_and_does_not_end_is_stopped(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have(ANSWERS + "import time\ntime.sleep(60)\n", monkeypatch)
    warm.django_that_stays(step, Checks, "static")
    step.limit = 0.5
    with pytest.raises(CommandFailed, match="took too long and was stopped"):
        warm.migrate(step)


def test_where_the_one_that_stayed_was_killed_another_is_started(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have(ANSWERS, monkeypatch)
    warm.django_that_stays(step, Checks, "static")
    stop_group(stayed(step).pid)
    have(FOUND, monkeypatch)
    assert warm.migrate(step).pending[0].name == "first"


@pytest.mark.parametrize("begin", [{"kind": "build"}, {"primary": False}])
def test_it_does_not_stay_where_nothing_will_be_migrated(
    begin: dict[str, Any], step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(FOUND, monkeypatch)
    step.begin = begun(**begin)
    assert warm.django_that_stays(step, Checks, "static").pending[0].name == "first"
    assert step.kept == {}


def test_one_that_is_not_told_ends_by_itself(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    have(ANSWERS, monkeypatch)
    warm.django_that_stays(step, Checks, "static")
    with socket.socket(fileno=os.dup(stayed(step).files[0])) as caller:
        caller.shutdown(socket.SHUT_RDWR)
    os.waitid(os.P_PID, stayed(step).pid, os.WEXITED | os.WNOWAIT)
    assert not stayed(step).goes_on
    have(FOUND, monkeypatch)
    assert warm.migrate(step).pending[0].name == "first"


def test_one_that_can_not_say_that_it_stays_has_found_what_it_has_found(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks = "def let_go():\n    raise ImportError('no driver')\n"
    have(STAYING + breaks + STAY, monkeypatch)
    assert warm.django_that_stays(step, Checks, "static").pending[0].name == "first"
    assert step.kept == {}
    assert "ImportError: no driver\n[exit code 0]\n" in Path("log").read_text()


def test_what_the_app_has_started_does_not_keep_a_step_waiting_for_one_that_has_ended(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    have("import subprocess\nsubprocess.Popen(['sleep', '9'], close_fds=False)\n" + FOUND, monkeypatch)
    began = time.monotonic()
    assert warm.django_that_stays(step, Checks, "static").pending[0].name == "first"
    assert time.monotonic() - began < 9
