"""Locks and sessions in MySQL and MariaDB, where no change of the schema can be rolled back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .kind import Engine, Holders, causes, first_words

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# The numbers of its errors: no lock in time, none at once; each waits for the other, and one was rolled back.
WAITED, NOT_NOW, DEADLOCK = 1205, 3572, 1213
# A table's own lock, which a change of the schema waits for, and a row's. Of the session: it has no smaller measure.
LIMIT = "SET SESSION lock_wait_timeout = {0}, SESSION innodb_lock_wait_timeout = {0}"
# Who else is there, as far as this user may see: whoever has been idle has a transaction open, or nothing at all.
OTHERS = """
SELECT id, user, host, command, time, info FROM information_schema.processlist
WHERE db = DATABASE() AND id <> %s AND id <> CONNECTION_ID() AND COALESCE(state, '') NOT LIKE 'Waiting for %%lock'
ORDER BY time DESC LIMIT 5
"""
OURS = """
SELECT id, info FROM information_schema.processlist
WHERE db = DATABASE() AND user = SUBSTRING_INDEX(USER(), '@', 1) AND id <> CONNECTION_ID() AND info LIKE %s
"""


class MySQL(Engine):
    """Each change of the schema commits itself, so that the statement alone which got no lock is tried again."""

    vendor = "mysql"
    whole = False

    def limit(self, connection: BaseDatabaseWrapper, seconds: float) -> object:
        """Let the session wait no longer."""
        with connection.cursor() as cursor:
            cursor.execute(LIMIT.format(max(1, math.ceil(seconds))))
            cursor.execute("SELECT CONNECTION_ID()")
            return cursor.fetchone()[0]

    def gives_up(self, problem: BaseException) -> bool:
        """Whether an error says that there was no lock to be had, or that each waits for the other."""
        return _number(problem) in (WAITED, NOT_NOW, DEADLOCK)

    def again(self, problem: BaseException) -> bool:
        """Whether the statement alone was rolled back: with a deadlock all of the transaction was."""
        return _number(problem) in (WAITED, NOT_NOW)

    def holders(self, connection: BaseDatabaseWrapper) -> Holders:
        """Another session is asked."""
        return _Others(connection)

    def ends(self, holder: str) -> str:
        """What ends a session that is described."""
        words = holder.partition(",")[0].split(" ")
        return f"KILL {words[1] if words[0] == 'id' else 'ID'}"

    def name_sessions(self, connection: BaseDatabaseWrapper, name: str) -> None:
        """Sessions have no name that others see; what they are at work on has one, as a comment."""
        sign = f"/* {_plain(name)} */ "

        def signed(
            execute: Callable[..., object], sql: object, params: object, many: bool, context: dict[str, object]
        ) -> object:
            return execute(sign + str(sql), params, many, context)

        connection.execute_wrappers.append(signed)

    def left(self, connection: BaseDatabaseWrapper, name: str) -> Iterator[tuple[int, str]]:
        """The sessions that are at work on something of that name, each with what it does."""
        sign = f"/* {_plain(name)} */ "
        with connection.cursor() as cursor:
            cursor.execute(OURS, [f"{sign}%"])
            found = cursor.fetchall()
        return ((one, f"id {one}, {first_words(info[len(sign) :])} ...") for one, info in found)

    def end(self, connection: BaseDatabaseWrapper, session: int) -> None:
        """End a session, and what it is at work on."""
        with connection.cursor() as cursor:
            cursor.execute(f"KILL {int(session)}")


class _Others(Holders):
    """Those that are there besides: which of them holds the lock, an ordinary user is not told."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.other: BaseDatabaseWrapper | None = None

    def seen(self, waiting: object) -> list[str]:
        """Who it is, as words."""
        self.other = self.other or self.connection.copy()
        with self.other.cursor() as cursor:
            cursor.execute(OTHERS, [waiting])
            return [_described(Other(*row)) for row in cursor.fetchall()]

    def close(self) -> None:
        """Close the other session."""
        if self.other is not None:
            self.other.close()


class Other(NamedTuple):
    """Another session, as the list of processes has it."""

    session: int
    user: str
    host: str
    command: str
    seconds: int
    query: str | None


def _described(one: Other) -> str:
    said = first_words(one.query)
    told = [f"id {one.session}", f"user {one.user}", f"from {one.host}", f"{one.command} for {one.seconds} s"]
    return ", ".join(filter(None, [*told, said and f"query: {said} ..."]))


def _number(problem: BaseException) -> int | None:
    """The number that the server has given an error, or what it was raised from."""
    for one in causes(problem):
        number = one.args[0] if one.args else None
        if isinstance(number, int):
            return number
    return None


def _plain(name: str) -> str:
    """A name that ends no comment, and that a pattern takes as it is."""
    return name.replace("*/", "").replace("%", "").replace("\\", "")
