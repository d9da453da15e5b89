"""Locks and sessions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .kind import Engine, Holders, causes, first_words

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# What it says where it ends a statement over a lock: it was not to be had in time, or each waits for the other.
NO_LOCK = ("55P03", "40P01")
# Only inside of one transaction: what is set on a session stays, behind a pooler for whoever gets it next.
LIMIT = "SELECT set_config('lock_timeout', %s, true), pg_backend_pid()"
BLOCKERS = """
SELECT DISTINCT blocker, usename, application_name, state, query,
       to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS'),
       round(extract(epoch FROM clock_timestamp() - xact_start))
FROM unnest(pg_blocking_pids(%s)) AS blocker LEFT JOIN pg_stat_activity ON pid = blocker ORDER BY blocker LIMIT 5
"""
OURS = """
SELECT pid, query FROM pg_stat_activity WHERE application_name = %s AND usename = current_user
AND datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


class PostgreSQL(Engine):
    """A change of the schema waits for whoever reads the table, and all later queries of it wait behind that."""

    vendor = "postgresql"
    in_session = False

    def limit(self, connection: BaseDatabaseWrapper, seconds: float) -> object:
        """Let the transaction wait no longer."""
        with connection.cursor() as cursor:
            cursor.execute(LIMIT, [f"{int(seconds * 1000)}ms"])
            return cursor.fetchone()[1]

    def gives_up(self, problem: BaseException) -> bool:
        """Whether an error says that there was no lock to be had, or that each waits for the other."""
        return sqlstate(problem) in NO_LOCK

    def holders(self, connection: BaseDatabaseWrapper) -> Holders:
        """Another session is asked."""
        return _Blockers(connection)

    def ends(self, holder: str) -> str:
        """What ends a session that is described."""
        words = holder.partition(",")[0].split(" ")
        return f"SELECT pg_terminate_backend({words[1] if words[0] == 'pid' else 'PID'})"

    def name_sessions(self, connection: BaseDatabaseWrapper, name: str) -> None:
        """As others find it in pg_stat_activity."""
        options = connection.settings_dict.get("OPTIONS") or {}
        connection.settings_dict["OPTIONS"] = {**options, "application_name": name}

    def left(self, connection: BaseDatabaseWrapper, name: str) -> Iterator[tuple[int, str]]:
        """The sessions of that name which are still at work, each with what it does."""
        with connection.cursor() as cursor:
            cursor.execute(OURS, [name])
            found = cursor.fetchall()
        return ((pid, f"pid {pid}, {first_words(query)} ...") for pid, query in found)

    def end(self, connection: BaseDatabaseWrapper, session: int) -> None:
        """End a session."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [session])


class _Blockers(Holders):
    """Those that the server itself names."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.other: BaseDatabaseWrapper | None = None

    def seen(self, waiting: object) -> list[str]:
        """Who it is, as words."""
        if self.other is None:
            self.other = self.connection.copy()
            # One of its own: what is in a pool may all be taken.
            self.other.settings_dict.get("OPTIONS", {}).pop("pool", None)
        with self.other.cursor() as cursor:
            cursor.execute(BLOCKERS, [waiting])
            return [described(Holder(*row)) for row in cursor.fetchall()]

    def close(self) -> None:
        """Close the other session."""
        if self.other is not None:
            self.other.close()


class Holder(NamedTuple):
    """Who holds a lock, as PostgreSQL tells it: not all is shown to everybody.

    + since: when the transaction was begun, and how many seconds ago that is
    """

    pid: int
    user: str | None = None
    application: str | None = None
    state: str | None = None
    query: str | None = None
    since: str | None = None
    seconds: float | None = None


def described(holder: Holder) -> str:
    """The same as words."""
    pid, user, application, state, query, since, seconds = holder
    if not pid:
        return "a prepared transaction (select * from pg_prepared_xacts)"
    words = [f"pid {pid}", f"user {user}", application and f"application {application}"]
    if since:
        words.append(f"in a transaction since {since} UTC ({int(seconds or 0)} s)")
    said = first_words(query)
    return ", ".join(filter(None, [*words, state, said and f"query: {said} ..."]))


def sqlstate(problem: BaseException | None) -> str | None:
    """The code that PostgreSQL has given an error, or what it was raised from; None where it has given none."""
    codes = (getattr(one, "sqlstate", None) or getattr(one, "pgcode", None) for one in causes(problem))
    return next((str(code) for code in codes if code), None)
