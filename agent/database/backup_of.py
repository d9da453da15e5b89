"""Which database a backup is of, as far as its file tells: a backup of another one than the app's is none. Pure."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Callable, Iterable, Sequence
from io import BufferedIOBase
from typing import BinaryIO

from agent.inside.lean import dataclass
from agent.inside.protocol import DEFAULT, Database, Name

# What is read of a file's beginning to tell what it is, bytes.
HEAD = 8192
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite", "oracle": "Oracle"}
SQLITE = b"SQLite format 3\0"
# What lists the databases, where several are in one tar; and the block in which a tar says what comes next, bytes.
LIST, BLOCK = b"databases.json", 512
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


def told_by(head: bytes, listed: str) -> tuple[Told, ...]:
    """Of which databases a file is, by how it begins; of none where it does not tell.

    + listed: what pg_restore --list says of it, if it was asked
    """
    text = head.decode(errors="replace")
    if head.startswith(SQLITE) or text.startswith("PRAGMA foreign_keys=OFF;"):
        return (Told("sqlite"),)
    if head.startswith(b"PGDMP"):
        return (Told("postgresql", _first(r"^;\s+dbname: (.*?)\s*$", listed)),)
    if "-- PostgreSQL database" in text:
        return (Told("postgresql", _first(r"^\\connect (?:-\S+ )*\"?([^\s\"]+)", text)),)
    if re.search(r"^-- (MySQL|MariaDB) dump", text, re.MULTILINE):
        return (Told("mysql", _first(r"^-- Host: .*\sDatabase: (\S+)", text)),)
    return _in_list(head)


def is_tar(head: bytes) -> bool:
    """Whether a file is a tar, by how it begins."""
    return head[257:262] == b"ustar"


def _in_list(head: bytes) -> tuple[Told, ...]:
    """The databases of which several are in one file, by the list at its beginning, as provision's script writes it."""
    if not is_tar(head) or head[:100].rstrip(b"\0") != LIST:
        return ()
    try:
        size = int(head[124:135], 8)
        found = json.loads(head[BLOCK : BLOCK + size])
        return tuple(Told(str(one["vendor"]), str(one["name"])) for one in found.values())
    except (ValueError, AttributeError, KeyError, TypeError):
        return ()


def is_cut(head: bytes, size: int) -> bool:
    """Whether a SQLite file is shorter than it says itself.

    + size: in bytes
    """
    if not head.startswith(SQLITE) or len(head) < 32:
        return False
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    return size < pages * (65536 if page == 1 else page)


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else ""


def of_another(told: Sequence[Told], databases: Iterable[Database]) -> str:
    """Why a backup is not of the app's database; empty where it is, or where that can't be told."""
    listed = list(databases)
    other = [one for one in told if not any(_is_of(one, mine) for mine in listed)]
    if not other or not listed:
        return ""
    mine = ", ".join(f"{NAMES.get(one.vendor, one.vendor)} ({one.name})" for one in listed)
    return f"the backup is of {named(other)}, and the app uses {mine}"


def _is_of(told: Told, database: Database) -> bool:
    """Whether a backup may be one of a database."""
    return told.vendor == database.vendor and (not told.name or told.name in (database.name, database.configured))


def in_no_backup(told: Sequence[Told], databases: Iterable[Database]) -> list[str]:
    """The aliases of the app's databases that a backup does not hold."""
    return [mine.alias for mine in databases if told and not any(_is_of(one, mine) for one in told)]


def lacking(applied: Iterable[Name], alias: str, recorded: Iterable[Sequence[str]]) -> list[Name]:
    """Which migrations are applied in a database, and not recorded in what is called a backup of it."""
    pairs = {(one[0], one[1]) for one in applied if (one[2] if len(one) > 2 else DEFAULT) == alias}
    return sorted(pairs - {(one[0], one[1]) for one in recorded})


def named(told: Sequence[Told]) -> str:
    """What a backup is of, as words."""
    return ", ".join(NAMES.get(one.vendor, one.vendor) + (f" ({one.name})" if one.name else "") for one in told)
