"""Running a program for a step: what becomes of its output."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.command import CommandFailed, Runner


def runner(log: Path) -> Runner:
    return Runner(user=None, log=log, until=time.time() + 30)


def test_all_that_a_command_says_is_in_the_log_and_what_it_says_to_its_caller_is_returned(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    assert runner(log).run(["sh", "-c", "echo found; echo careful >&2"]) == "found\n"
    assert log.read_text() == "$ sh -c echo found; echo careful >&2\nfound\ncareful\n[exit code 0]\n"


def test_a_log_that_can_not_be_written_is_told_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Path("/dev/full")
    assert runner(full).run(["echo", "found"]) == "found\n"
    assert capsys.readouterr().out.startswith("/dev/full can't be written: ")
    with pytest.raises(CommandFailed, match="sh -c ended with exit code 3"):
        runner(full).run(["sh", "-c", "exit 3"])


def test_a_command_needs_no_room_for_its_output_on_any_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert runner(tmp_path / "step.log").run(["sh", "-c", "yes | head -c 1000000"]).count("y") == 500_000
