"""Whose a backup is, as its file tells: one of another database than the app's is a failure, a silent one is not."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import Any

import pytest

from agent.database.backup_of import Told, head_of, in_no_backup, of_another, told_by

LISTED = "; Archive created at 2026-11-28\n;     dbname: app\n;     TOC Entries: 60\n"
PLAIN = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n"
MYSQL = b"-- MySQL dump 10.13  Distrib 8.0\n--\n-- Host: localhost    Database: shop\n"


def database(vendor: str = "postgresql", name: str = "app", alias: str = "default", configured: str = "") -> Any:
    return {"alias": alias, "vendor": vendor, "name": name, "configured": configured or name}


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
