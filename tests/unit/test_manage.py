"""A verb that waits inside Django to be told: it does what it was started for then, and not otherwise."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import manage
from agent.command import CommandFailed, Runner
from agent.django_side import MARK, NOW
from agent.manage import Waiting, start_waiting

# In the place of Django: waits for the line, then says what it has found.
TOLD = f"""
import os, sys
if os.fdopen(int(sys.argv[1])).readline() != {NOW!r}:
    raise SystemExit("not told to go on")
print({MARK!r} + '{{"pending": []}}')
"""


class Step:
    """As much of a step as a verb has to do with."""

    name = "migrate"
    version = "django-20261125-120000-aaaaaaa-bbbbbbb"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.beside: list[tuple[str, int]] = []
        self.layout = SimpleNamespace(app=None, part=lambda version, part: folder)
        self.transaction = SimpleNamespace(goes_on_beside=lambda what, pid: self.beside.append((what, pid)))

    def runner(self, user: str | None) -> Runner:
        return Runner(user=user, log=self._folder / "log", until=time.time() + 30)


@pytest.fixture
def step(tmp_path: Path) -> Any:
    return Step(tmp_path)


def waiting(step: Any, monkeypatch: pytest.MonkeyPatch, program: str = TOLD) -> Waiting:
    monkeypatch.setattr(manage, "_python", lambda *_: sys.executable)
    monkeypatch.setattr(manage, "_words", lambda _, version, verb, *told: ["-c", program, *told])
    return start_waiting(step, "migrate")


def test_what_waits_is_written_down_so_that_a_fallback_stops_it(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = waiting(step, monkeypatch)
    assert step.beside == [("migrate", one.command.process.pid)]
    one.end()


def test_once_told_it_says_what_it_has_found(step: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert waiting(step, monkeypatch).tell(step) == {"pending": []}
    assert (tmp_path / "log").read_text().endswith("[exit code 0]\n")


def test_one_that_is_not_told_does_nothing_and_ends_with_whoever_has_started_it(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = waiting(step, monkeypatch)
    one.telling.close()
    assert one.command.process.wait(10) != 0
    one.command.out.seek(0)
    assert one.command.out.read() == b""


def test_what_the_app_starts_finds_nothing_on_its_standard_input(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # As `ssh` does, say, or a shell.
    reads_all = "import subprocess\nsubprocess.run(['cat'], check=True)\n" + TOLD
    assert waiting(step, monkeypatch, reads_all).tell(step) == {"pending": []}


def test_one_that_has_ended_too_early_is_not_believed_to_have_done_anything(
    step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = waiting(step, monkeypatch, "raise SystemExit(3)")
    os.waitid(os.P_PID, one.command.process.pid, os.WEXITED | os.WNOWAIT)
    assert one.tell(step) is None


def test_one_that_fails_once_it_was_told_has_failed(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks = "import os, sys; os.fdopen(int(sys.argv[1])).readline(); raise SystemExit('it broke')"
    one = waiting(step, monkeypatch, breaks)
    with pytest.raises(CommandFailed, match="ended with exit code 1\nit broke"):
        one.tell(step)


def test_one_that_nobody_needs_is_ended(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = waiting(step, monkeypatch)
    one.end()
    assert one.command.process.poll() is not None
    one.end()
