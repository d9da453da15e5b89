"""A command of a deploy is found by its mark where its start was never written down."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.command import MARK, Runner, new_mark
from agent.strays import strays

DEPLOY = "20261126-061500-deploy-1a2b"
# It starts another process and waits for it, as a project's own scripts do.
WAITS = ("sh", "-c", "sleep 60; true")


@pytest.fixture
def command() -> Iterator[tuple[int, str]]:
    """A command that runs for the deploy, and its mark."""
    mark = new_mark(DEPLOY)
    with subprocess.Popen(WAITS, env={"PATH": "/usr/bin:/bin", MARK: mark}, start_new_session=True) as process:
        yield process.pid, mark
        subprocess.run(["kill", "--", f"-{process.pid}"], check=True)


def test_a_command_that_nobody_has_written_down_is_found_once_with_all_that_it_has_started(
    command: tuple[int, str],
) -> None:
    assert strays(DEPLOY, [new_mark(DEPLOY)]) == [command[0]]


def test_one_that_was_written_down_or_works_for_another_deploy_is_none(command: tuple[int, str]) -> None:
    assert strays(DEPLOY, [command[1]]) == []
    assert strays(DEPLOY[:-1], []) == []


def test_each_command_of_a_deploy_carries_a_mark_of_its_own_and_whoever_writes_it_down_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    until = time.time() + 30
    runner = Runner(None, tmp_path / "log", until, deploy=DEPLOY, started=lambda _, mark: told.append(mark))
    carried = [runner.run(["printenv", MARK]).strip() for _ in range(2)]
    assert carried == told
    assert len(set(carried)) == 2
    assert all(mark.startswith(f"{DEPLOY}/") for mark in carried)


def test_what_runs_for_no_deploy_carries_none(tmp_path: Path) -> None:
    assert Runner(None, tmp_path / "log", time.time() + 30).run(["sh", "-c", f'echo "${{{MARK}-none}}"']) == "none\n"
