"""Locks of a SQLite file: whoever writes has all of it, and whoever commits waits for all who read, unless it has a
write-ahead log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .kind import Engine, Holders, causes

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# What it says where a lock was not to be had in time.
NO_LOCK = ("database is locked", "database table is locked")
# The locks of files, as the kernel lists them: which of its fields have the process, and the file as MAJOR:MINOR:INODE.
LOCKS, PROCESS, FILE = "/proc/locks", 4, 5


class SQLite(Engine):
    """A file, whose locks are the kernel's."""

    vendor = "sqlite"

    def limit(self, connection: BaseDatabaseWrapper, seconds: float) -> object:
        """Let the connection wait no longer."""
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        return str(connection.settings_dict["NAME"])

    def gives_up(self, problem: BaseException) -> bool:
        """Whether an error says that there was no lock to be had, or that each waits for the other."""
        return any(str(one).startswith(NO_LOCK) for one in causes(problem))

    def holders(self, connection: BaseDatabaseWrapper) -> Holders:
        """The kernel is asked."""
        return _OfFile()

    def ends(self, holder: str) -> str:
        """What ends a process that is described."""
        words = holder.split(" ")
        return f"kill {words[1]}" if words[0] == "pid" else ""


class _OfFile(Holders):
    """The processes that have locked a file, or what is beside it."""

    def seen(self, waiting: object) -> list[str]:
        """Who it is, as words."""
        return list(dict.fromkeys(f"pid {pid} ({_name(pid)})" for pid in _lockers(str(waiting)) if pid != os.getpid()))


def _lockers(path: str) -> Iterator[int]:
    numbers = set()
    for name in (path, f"{path}-shm"):
        try:
            info = os.stat(name)
        except OSError:
            continue
        numbers.add(f"{os.major(info.st_dev):02x}:{os.minor(info.st_dev):02x}:{info.st_ino}")
    with open(LOCKS, encoding="ascii") as file:
        for line in file:
            # A second word is there where it only waits for one.
            words = line.replace("->", "").split()
            if len(words) > FILE and words[FILE] in numbers:
                yield int(words[PROCESS])


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "gone"
