"""Whose a backup is, as its file tells: one of another database than the app's is a failure, a silent one is not."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import time
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.database import backup
from agent.database.backup_of import Told, head_of, in_no_backup, of_another, told_by
from agent.host.command import CommandFailed, Runner
from agent.inside.protocol import Database
from agent.state import State
from agent.transaction.step import StepFailed
from agent.words.notes import BackedUp
from tests.unit.examples import LIVE
from tests.unit.journals import begun, noted

LISTED = "; Archive created at 2026-11-28\n;     dbname: app\n;     TOC Entries: 60\n"
PLAIN = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n"
MYSQL = b"-- MySQL dump 10.13  Distrib 8.0\n--\n-- Host: localhost    Database: shop\n"


def database(vendor: str = "postgresql", name: str = "app", alias: str = "default", configured: str = "") -> Database:
    return Database(alias, vendor, name, configured or name, empty=False)


@pytest.mark.parametrize(
    ("head", "listed", "told"),
    [
        (b"PGDMP\x01\x0e", LISTED, Told("postgresql", "app")),
        (b"PGDMP\x01\x0e", "", Told("postgresql")),
        (PLAIN, "", Told("postgresql")),
        (PLAIN + b'\\connect "app"\n', "", Told("postgresql", "app")),
        (MYSQL, "", Told("mysql", "shop")),
        (b"SQLite format 3\0", "", Told("sqlite")),
        (b"ustar and what is in it", "", None),
        (b"\xff\xfe\x00", "", None),
    ],
)
def test_a_backup_tells_its_database_by_how_it_begins(head: bytes, listed: str, told: Told | None) -> None:
    assert told_by(head, listed) == told
    assert told_by(head_of(BytesIO(gzip.compress(head))), listed) == told


def test_half_a_packed_backup_tells_nothing() -> None:
    assert head_of(BytesIO(gzip.compress(PLAIN)[:12])) == b""


@pytest.mark.parametrize(
    ("told", "databases", "says"),
    [
        (Told("postgresql", "app"), [database()], ""),
        (Told("postgresql", "pooled"), [database(configured="pooled")], ""),
        (Told("postgresql"), [database()], ""),
        (Told("sqlite"), [database("sqlite", "/home/app/db.sqlite3")], ""),
        (Told("postgresql", "app"), [database("sqlite", "/data/x"), database(alias="logs")], ""),
        (None, [database()], ""),
        (Told("postgresql", "app"), [], ""),
        (
            Told("postgresql", "app"),
            [database("sqlite", "/home/app/db.sqlite3")],
            "the backup is of PostgreSQL (app), and the app uses SQLite (/home/app/db.sqlite3)",
        ),
        (
            Told("postgresql", "app"),
            [database(name="shop")],
            "the backup is of PostgreSQL (app), and the app uses PostgreSQL (shop)",
        ),
        (Told("sqlite"), [database()], "the backup is of SQLite, and the app uses PostgreSQL (app)"),
    ],
)
def test_a_backup_of_another_database_is_found_out(told: Told | None, databases: Any, says: str) -> None:
    assert of_another(told, databases) == says


def test_a_database_that_the_backup_does_not_hold_is_named() -> None:
    assert in_no_backup(Told("postgresql", "app"), [database(), database(name="logs", alias="logs")]) == ["logs"]
    assert in_no_backup(None, [database()]) == []


# --- It is believed only when it is whole

# What a row may say as well.
ROW = b"INSERT INTO x VALUES ('PostgreSQL database dump complete; Dump completed');\n"
WHOLE = {
    "pg_dump": PLAIN + ROW + b"CREATE TABLE x ();\n" * 5000 + b"--\n-- PostgreSQL database dump complete\n--\n",
    "mysqldump": MYSQL + ROW + b"INSERT INTO x VALUES (1);\n" * 5000 + b"-- Dump completed on 2026-11-28 12:00:00\n",
    "of another program": b"all of it",
}
# More than one block of what a compressor makes.
MUCH = b"".join(hashlib.sha256(bytes([number % 256, number // 256])).digest() for number in range(8000))


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """As much of a step as a backup has to do with."""
    monkeypatch.setattr(backup, "acting_as", lambda _: contextlib.nullcontext())
    state = State("django", tmp_path / "state")
    state.create()
    return SimpleNamespace(
        layout=SimpleNamespace(app="app"),
        until=time.time() + 60,
        limit=60.0,
        runner=lambda _: Runner(user=None, log=None, until=time.time() + 60),
        note=noted({}),
        transaction=SimpleNamespace(state=state),
        begin=begun(was=LIVE),
    )


def made(folder: Path, content: bytes) -> Path:
    path = folder / "a.dump"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_backup_is_believed_and_its_size_and_checksum_are_kept(kind: str, step: Any, tmp_path: Path) -> None:
    path = made(tmp_path, WHOLE[kind])
    digest = hashlib.sha256(WHOLE[kind]).hexdigest()
    note = backup.examine(step, f"dumping\n{path}\n\n")
    assert note == BackedUp(path=str(path), bytes=len(WHOLE[kind]), sha256=digest)


@pytest.mark.parametrize("kind", ["pg_dump", "mysqldump"])
@pytest.mark.parametrize("left", [0.5, 1 - 1e-4])
def test_a_dump_without_its_last_line_is_not_believed(kind: str, left: float, step: Any, tmp_path: Path) -> None:
    whole = WHOLE[kind].rstrip(b"-\n0123456789: ") if left > 0.9 else WHOLE[kind]
    path = made(tmp_path, whole[: int(len(whole) * left)])
    with pytest.raises(StepFailed, match=f"the backup was cut short: {path} does not end as a whole dump does"):
        backup.examine(step, str(path))


@pytest.mark.parametrize("packer", ["gzip", "xz", "bzip2"])
def test_a_packed_backup_that_was_cut_in_half_is_not_believed(packer: str, step: Any, tmp_path: Path) -> None:
    if not shutil.which(packer):
        pytest.skip(f"there is no {packer} here, and on such a host none is asked")
    plain = tmp_path / "plain"
    plain.write_bytes(MUCH)
    packed = backup_packed(packer, plain)
    path = made(tmp_path, packed)
    assert backup.examine(step, str(path)).bytes == len(packed)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(CommandFailed, match=f"{packer} --test ended with exit code"):
        backup.examine(step, str(path))


def backup_packed(packer: str, plain: Path) -> bytes:
    runner = Runner(user=None, log=None, until=time.time() + 60)
    packed = plain.with_suffix(".packed")
    runner.run(["sh", "-c", '"$1" --stdout "$2" >"$3"', "sh", packer, str(plain), str(packed)])
    return packed.read_bytes()


def test_what_is_no_backup_is_not_believed(step: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path, b"all of it")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    for output, why in (
        ("", "printed no path of a backup"),
        (" \n\n", "printed no path of a backup"),
        ("a.dump", "is not the path of a file: a.dump"),
        (f"{tmp_path}/missing", "is not the path of a file: .*/missing"),
        (f"{tmp_path}/a.dump\ndone", "is not the path of a file: done"),
        (f"{tmp_path}", "is not the path of a file"),
        (f"{tmp_path}/pipe", "is not the path of a file"),
        (f"{tmp_path}/empty", "the backup is empty: .*/empty"),
        (f"{tmp_path}/{'x' * 1000}", "too long for a path"),
    ):
        with pytest.raises(StepFailed, match=why):
            backup.examine(step, output)


@pytest.mark.parametrize(("before", "warned"), [(201, True), (200, False), (10, False), (None, False)])
def test_a_backup_of_less_than_half_of_the_one_before_is_worth_a_warning(
    before: int | None, warned: bool, step: Any, tmp_path: Path
) -> None:
    if before:
        step.transaction.state.mark(LIVE).write_text(json.dumps({"backup": {"path": "/x", "bytes": before}}))
    note = backup.examine(step, str(made(tmp_path, b"x" * 100)))
    told = f"the backup has 100 bytes, and the one before it had {before}"
    assert note.warning == (told if warned else "")
