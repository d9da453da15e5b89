"""What goes on beside the steps ends with the deploy, at the latest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.processes import group_runs, started_at
from agent.restart import background
from tests.unit.journals import progress


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, as all of ours are."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as started:
        yield started
        started.kill()


def deploy(folder: Path, *records: dict[str, Any]) -> Any:
    """A deploy with these lines in its journal."""
    lines = [{"event": "beside", "what": "rehearsal", **record} for record in records]
    return SimpleNamespace(progress=progress(*lines), output=lambda name: folder / name)


def test_what_still_goes_on_is_ended_and_its_log_has_no_secrets(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    started = started_at(process.pid)
    (tmp_path / "rehearsal").write_text("connecting to postgres://app:s3cret@db/app\n")
    one = deploy(tmp_path, {"pid": process.pid, "started": started})
    for _ in range(2):
        background.end(one)
        assert not group_runs(process.pid, started)
        assert (tmp_path / "rehearsal").read_text().startswith("connecting to postgres://")
        assert "s3cret" not in (tmp_path / "rehearsal").read_text()


def test_what_has_the_id_of_one_that_has_ended_is_left_alone(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    background.end(deploy(tmp_path, {"pid": process.pid, "started": "1"}))
    assert process.poll() is None


def test_a_deploy_with_nothing_beside_it_ends_as_well(tmp_path: Path) -> None:
    background.end(deploy(tmp_path))
    assert list(tmp_path.iterdir()) == []
