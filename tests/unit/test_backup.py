"""A backup is believed only when it is whole, and read in time: it may be all that a database comes back from."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import backup
from agent.command import CommandFailed, Runner
from agent.state import State
from agent.step import StepFailed

POSTGRESQL = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE a ();\n\n"
MYSQL = "-- MySQL dump 10.13\n\nCREATE TABLE a (b int);\n"
WHOLE = {
    POSTGRESQL: "--\n-- PostgreSQL database dump complete\n--\n",
    MYSQL: "-- Dump completed on 2026-11-28\n",
}
BEFORE = "django-20261101-000000-1111111-2222222"


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A step of a deploy on a host where nobody has to become somebody else."""
    monkeypatch.setattr(backup, "acting_as", lambda _: nullcontext())
    state = State(tmp_path / "state")
    state.create()
    return SimpleNamespace(
        layout=SimpleNamespace(app="app"),
        limit=5.0,
        until=time.time() + 5,
        runner=lambda _: Runner(user=None, log=None, until=time.time() + 5),
        transaction=SimpleNamespace(state=state),
        begin={"was": BEFORE},
    )


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    return tmp_path / "app.dump"


def test_what_the_script_printed_last_is_the_backup(step: Any, dump: Path) -> None:
    dump.write_bytes(b"rows")
    found = backup.examine(step, f"starting\n{dump}\n\n")
    assert found == {"path": str(dump), "bytes": 4, "sha256": hashlib.sha256(b"rows").hexdigest()}


@pytest.mark.parametrize(
    ("printed", "says"),
    [
        ("", "printed no path"),
        ("\n  \n", "printed no path"),
        ("app.dump", "is not the path of a file: app.dump"),
        ("/nowhere/app.dump", "is not the path of a file: /nowhere/app.dump"),
        ("/", "is not the path of a file: /"),
        ("/a\u2028b", "is not the path of a file: /a\u2028b"),
        ("/" + "x" * 10_000_000, "is too long for a path: /xxx"),
    ],
)
def test_what_is_no_file_is_no_backup(step: Any, printed: str, says: str) -> None:
    with pytest.raises(StepFailed, match=says) as failed:
        backup.examine(step, printed)
    assert len(str(failed.value)) < 1_000


def test_an_empty_file_is_no_backup(step: Any, dump: Path) -> None:
    dump.touch()
    with pytest.raises(StepFailed, match=f"the backup is empty: {dump}"):
        backup.examine(step, str(dump))


def test_a_pipe_is_no_backup_and_holds_nobody(step: Any, dump: Path) -> None:
    os.mkfifo(dump)
    with pytest.raises(StepFailed, match="is not the path of a file"):
        backup.examine(step, str(dump))


@pytest.mark.parametrize("text", [POSTGRESQL, MYSQL])
def test_a_dump_in_sql_without_its_last_line_is_no_backup(step: Any, dump: Path, text: str) -> None:
    dump.write_text(text)
    with pytest.raises(StepFailed, match="the backup was cut short"):
        backup.examine(step, str(dump))
    dump.write_text(text + WHOLE[text])
    assert backup.examine(step, str(dump))["path"] == str(dump)


def test_a_packed_dump_that_was_cut_in_half_is_no_backup(step: Any, dump: Path) -> None:
    packed = gzip.compress(os.urandom(100_000))
    dump.write_bytes(packed)
    assert backup.examine(step, str(dump))["bytes"] == len(packed)
    dump.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(CommandFailed, match="unexpected end of file"):
        backup.examine(step, str(dump))


def test_a_backup_of_less_than_half_the_last_ones_size_is_worth_a_warning(step: Any, dump: Path) -> None:
    step.transaction.state.mark(BEFORE).write_text(json.dumps({"backup": {"bytes": 100}}))
    dump.write_bytes(b"x" * 49)
    assert backup.examine(step, str(dump))["warning"] == "the backup has 49 bytes, and the one before it had 100"
    dump.write_bytes(b"x" * 50)
    assert "warning" not in backup.examine(step, str(dump))


def test_a_backup_that_can_not_be_read_in_time_is_no_backup(step: Any, dump: Path) -> None:
    with dump.open("wb") as file:
        file.truncate(1 << 40)
    step.limit, step.until = 0.2, time.time() + 0.2
    began = time.monotonic()
    with pytest.raises(StepFailed, match=r"more than can be read within 0 s.*script_timeout.*1099511627776 bytes"):
        backup.examine(step, str(dump))
    assert time.monotonic() - began < 5
