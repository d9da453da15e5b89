"""A command of a deploy is found by its id where its start was never written down."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.host.command import COMMAND_ID, Runner, new_command_id
from agent.host.processes import started_at
from agent.service.strays import strays
from agent.service.systemd import family_ids

# It starts another process and waits for it, as a project's own scripts do.
WAITS = ("sh", "-c", "sleep 60; true")
# A process whose start time nobody is younger than.
NOW = str(2**62)


@pytest.fixture
def deploy() -> str:
    """A deploy that no other test works for, here or beside us."""
    return f"20261126-061500-deploy-{uuid.uuid4().hex}"


@pytest.fixture
def command(deploy: str) -> Iterator[tuple[int, str]]:
    """A command that runs for the deploy, and its id."""
    command_id, limit = new_command_id(deploy), time.monotonic() + 30
    with subprocess.Popen(
        WAITS, env={"PATH": "/usr/bin:/bin", COMMAND_ID: command_id}, start_new_session=True
    ) as process:
        try:
            while len(family_ids(process.pid)) < 2:
                assert time.monotonic() < limit
                time.sleep(0.01)
            yield process.pid, command_id
        finally:
            subprocess.run(["kill", "--", f"-{process.pid}"], check=True)


def test_a_command_that_nobody_has_written_down_is_found_once_with_all_that_it_has_started(
    deploy: str, command: tuple[int, str]
) -> None:
    assert strays(deploy, started_at(os.getpid()), [new_command_id(deploy)]) == [command[0]]


def test_one_that_was_written_down_is_older_or_works_for_another_deploy_is_none(
    deploy: str, command: tuple[int, str]
) -> None:
    began = started_at(os.getpid())
    assert strays(deploy, began, [command[1]]) == []
    assert strays(deploy, NOW, []) == []
    assert strays(deploy[:-1], began, []) == []


def test_each_command_of_a_deploy_carries_a_mark_of_its_own_and_whoever_writes_it_down_is_told(
    deploy: str, tmp_path: Path
) -> None:
    told: list[str] = []
    until = time.time() + 30
    runner = Runner(None, tmp_path / "log", until, deploy=deploy, started=lambda _, command_id: told.append(command_id))
    carried = [runner.run(["printenv", COMMAND_ID]).strip() for _ in range(2)]
    assert carried == told
    assert len(set(carried)) == 2
    assert all(one.startswith(f"{deploy}/") for one in carried)


def test_what_runs_for_no_deploy_carries_none(tmp_path: Path) -> None:
    assert (
        Runner(None, tmp_path / "log", time.time() + 30).run(["sh", "-c", f'echo "${{{COMMAND_ID}-none}}"']) == "none\n"
    )
