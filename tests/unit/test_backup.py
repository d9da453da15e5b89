"""Whose a backup is, as its file tells: one of another database than the app's is a failure, a silent one is not."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
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
from agent.words.notes import BackedUp, Checked
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
        (b"PGDMP\x01\x0e", LISTED, (Told("postgresql", "app"),)),
        (b"PGDMP\x01\x0e", "", (Told("postgresql"),)),
        (PLAIN, "", (Told("postgresql"),)),
        (PLAIN + b'\\connect "app"\n', "", (Told("postgresql", "app"),)),
        (MYSQL, "", (Told("mysql", "shop"),)),
        (b"SQLite format 3\0", "", (Told("sqlite"),)),
        (b"ustar and what is in it", "", ()),
        (b"\xff\xfe\x00", "", ()),
    ],
)
def test_a_backup_tells_its_database_by_how_it_begins(head: bytes, listed: str, told: tuple[Told, ...]) -> None:
    assert told_by(head, listed) == told
    assert told_by(head_of(BytesIO(gzip.compress(head))), listed) == told


def test_half_a_packed_backup_tells_nothing() -> None:
    assert head_of(BytesIO(gzip.compress(PLAIN)[:12])) == b""


@pytest.mark.parametrize(
    ("told", "databases", "says"),
    [
        ((Told("postgresql", "app"),), [database()], ""),
        ((Told("postgresql", "pooled"),), [database(configured="pooled")], ""),
        ((Told("postgresql"),), [database()], ""),
        ((Told("sqlite"),), [database("sqlite", "/home/app/db.sqlite3")], ""),
        ((Told("postgresql", "app"),), [database("sqlite", "/data/x"), database(alias="logs")], ""),
        ((), [database()], ""),
        ((Told("sqlite", "/a"), Told("postgresql", "app")), [database(), database("sqlite", "/a", "files")], ""),
        ((Told("postgresql", "app"),), [], ""),
        (
            (Told("postgresql", "app"),),
            [database("sqlite", "/home/app/db.sqlite3")],
            "the backup is of PostgreSQL (app), and the app uses SQLite (/home/app/db.sqlite3)",
        ),
        (
            (Told("postgresql", "app"),),
            [database(name="shop")],
            "the backup is of PostgreSQL (app), and the app uses PostgreSQL (shop)",
        ),
        ((Told("sqlite"),), [database()], "the backup is of SQLite, and the app uses PostgreSQL (app)"),
    ],
)
def test_a_backup_of_another_database_is_found_out(told: tuple[Told, ...], databases: Any, says: str) -> None:
    assert of_another(told, databases) == says


def test_a_database_that_the_backup_does_not_hold_is_named() -> None:
    both = [database(), database(name="logs", alias="logs")]
    assert in_no_backup([Told("postgresql", "app")], both) == ["logs"]
    assert in_no_backup([Told("postgresql", "app"), Told("postgresql", "logs")], both) == []
    assert in_no_backup([Told("sqlite")], both) == ["default", "logs"]
    assert in_no_backup([], [database()]) == []


def tar(listed: str, name: str = "databases.json") -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        member = tarfile.TarInfo(name)
        member.size = len(listed.encode())
        file.addfile(member, BytesIO(listed.encode()))
    return packed.getvalue()


BOTH = {"default": {"vendor": "postgresql", "name": "app"}, "logs": {"vendor": "sqlite", "name": "/data/logs.sqlite3"}}


def test_a_backup_of_several_databases_tells_all_of_them() -> None:
    told = (Told("postgresql", "app"), Told("sqlite", "/data/logs.sqlite3"))
    assert told_by(tar(json.dumps(BOTH)), "") == told
    assert of_another(told, [database(), database("sqlite", "/data/logs.sqlite3", "logs")]) == ""
    assert of_another(told, [database()]) == (
        "the backup is of SQLite (/data/logs.sqlite3), and the app uses PostgreSQL (app)"
    )


@pytest.mark.parametrize("listed", ["", "[1, 2]", '{"default": 1}', '{"default": {}}', '{"default": {"vendor": "x"'])
def test_a_list_of_databases_that_says_nothing_tells_nothing(listed: str) -> None:
    assert told_by(tar(listed), "") == ()
    assert told_by(tar(json.dumps(BOTH), name="something.json"), "") == ()


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


# --- A SQLite file has no name


def sqlite_file(path: Path, *applied: str) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE django_migrations (app TEXT, name TEXT)")
        file.executemany("INSERT INTO django_migrations VALUES ('items', ?)", [[name] for name in applied])
    return path


def uses_sqlite(step: Any) -> Any:
    applied = (("items", "0001"), ("items", "0002"), ("events", "0001", "logs"))
    checked = Checked(applied=applied, databases=(database("sqlite", "/data/db.sqlite3"),))
    step.note = lambda shape: checked if shape is Checked else shape()
    return step


def test_a_sqlite_file_with_what_is_applied_is_the_app_s_own(step: Any, tmp_path: Path) -> None:
    backup.examine(uses_sqlite(step), str(sqlite_file(tmp_path / "a", "0001", "0002", "0003")))


@pytest.mark.parametrize("applied", [[], ["0001"]])
def test_a_sqlite_file_that_lacks_what_is_applied_is_of_another_app(
    applied: list[str], step: Any, tmp_path: Path
) -> None:
    path = sqlite_file(tmp_path / "a", *applied)
    lacks = "items.0002" if applied else "items.0001, items.0002"
    with pytest.raises(StepFailed) as failed:
        backup.examine(uses_sqlite(step), str(path))
    assert str(failed.value) == (
        f"the backup is of another SQLite file than the app's (/data/db.sqlite3): {lacks} is applied there, "
        f"and not recorded in {path}"
    )


def test_a_sqlite_file_without_a_list_of_migrations_is_none_of_a_django_s(step: Any, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE others (name TEXT)")
    with pytest.raises(StepFailed, match="is of another SQLite file"):
        backup.examine(uses_sqlite(step), str(path))


def test_a_sqlite_file_that_was_cut_short_is_not_believed(step: Any, tmp_path: Path) -> None:
    path = sqlite_file(tmp_path / "a", "0001", "0002")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StepFailed, match=f"was cut short: {path} is smaller than it says itself"):
        backup.examine(uses_sqlite(step), str(path))
