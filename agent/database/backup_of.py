"""Which database a backup is of, as far as its file tells: a backup of another one than the app's is none. Pure."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterable
from io import BufferedIOBase
from typing import BinaryIO

from agent.inside.lean import dataclass
from agent.inside.protocol import Database

# What is read of a file's beginning to tell what it is, bytes.
HEAD = 8192
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite", "oracle": "Oracle"}
OPENERS: dict[bytes, Callable[[BinaryIO], BufferedIOBase]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}


@dataclass(frozen=True)
class Told:
    """What a backup's file tells of its database.

    + vendor: as Django names it; name: the database's, empty where the file has none
    """

    vendor: str
    name: str = ""


def head_of(file: BinaryIO) -> bytes:
    """How a backup begins once it is unpacked; nothing where it can't be."""
    head = file.read(HEAD)
    opener = next((one for magic, one in OPENERS.items() if head.startswith(magic)), None)
    if opener is None:
        return head
    file.seek(0)
    try:
        return opener(file).read(HEAD)
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        return b""


def told_by(head: bytes, listed: str) -> Told | None:
    """What a file tells by how it begins; None where it does not tell.

    + listed: what pg_restore --list says of it, if it was asked
    """
    text = head.decode(errors="replace")
    if head.startswith(b"SQLite format 3\0") or text.startswith("PRAGMA foreign_keys=OFF;"):
        return Told("sqlite")
    if head.startswith(b"PGDMP"):
        return Told("postgresql", _first(r"^;\s+dbname: (.*?)\s*$", listed))
    if "-- PostgreSQL database" in text:
        return Told("postgresql", _first(r"^\\connect (?:-\S+ )*\"?([^\s\"]+)", text))
    if re.search(r"^-- (MySQL|MariaDB) dump", text, re.MULTILINE):
        return Told("mysql", _first(r"^-- Host: .*\sDatabase: (\S+)", text))
    return None


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else ""


def of_another(told: Told | None, databases: Iterable[Database]) -> str:
    """Why a backup is not of the app's database; empty where it is, or where that can't be told."""
    listed = list(databases)
    if told is None or not listed:
        return ""
    names = {name for one in listed if one.vendor == told.vendor for name in (one.name, one.configured)}
    if names and (not told.name or told.name in names):
        return ""
    mine = ", ".join(f"{NAMES.get(one.vendor, one.vendor)} ({one.name})" for one in listed)
    return f"the backup is of {named(told)}, and the app uses {mine}"


def in_no_backup(told: Told | None, databases: Iterable[Database]) -> list[str]:
    """The aliases of the app's databases that a backup of one database does not hold."""
    if told is None or not told.name:
        return []
    return [one.alias for one in databases if one.vendor != told.vendor or told.name not in (one.name, one.configured)]


def named(told: Told) -> str:
    """What a backup is of, as words."""
    return NAMES[told.vendor] + (f" ({told.name})" if told.name else "")
