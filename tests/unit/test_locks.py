"""How migrations wait for locks: what of that needs no database that locks. The rest is in tests of hosts."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from agent.django import locks
from agent.inside import locks as waiting
from agent.inside import protocol
from agent.inside.engines.kind import Engine, first_words
from agent.inside.engines.mysql import MySQL
from agent.inside.engines.postgresql import Holder, PostgreSQL, described, sqlstate
from agent.inside.engines.sqlite import SQLite
from agent.inside.locks import Locks, can_be_limited
from agent.inside.protocol import LOCKS
from tests.unit.healthy import host_settings

HOLDER = Holder(
    4711,
    "app",
    "report.py",
    "idle in transaction",
    "SELECT * FROM items_item WHERE name = 'x'",
    "11:30:03",
    45.2,
)


class NoLock(Exception):
    """As psycopg has it."""

    sqlstate = "55P03"


class Connection:
    """As much of a connection as waiting has to do with."""

    alias = "default"
    in_atomic_block = False

    def copy(self) -> Any:
        raise AssertionError("nothing waits for so long here")


def patient(until: float | None = None) -> Locks:
    return Locks(0.01, until, [])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM items_item WHERE name = 'secret'", "SELECT * FROM items_item WHERE name"),
        ("begin; select * from items_item", "begin; select * from items_item"),
        ('UPDATE "users" SET token = abc', 'UPDATE "users" SET'),
        ("set app.token to abcdef", "set"),
        ("begin; set app.token to abcdef", "begin; set"),
        ("SELECT set_config('app.token', 'abcdef', false)", "SELECT"),
        ("/* token=abcdef */ select 1", ""),
        ("<insufficient privilege>", ""),
        (None, ""),
    ],
)
def test_of_a_query_its_first_words_are_told_and_no_value(query: str | None, words: str) -> None:
    assert first_words(query) == words


def test_who_holds_a_lock_is_told_with_what_helps_to_find_them() -> None:
    assert described(HOLDER) == (
        "pid 4711, user app, application report.py, in a transaction since 11:30:03 UTC (45 s), idle in transaction, "
        "query: SELECT * FROM items_item WHERE name ..."
    )
    hidden = described(Holder(4711, "root", "", query="<insufficient privilege>"))
    assert hidden == "pid 4711, user root"
    assert "prepared transaction" in described(Holder(0))


def test_an_error_is_known_by_what_it_was_raised_from() -> None:
    wrapped = ValueError("could not save")
    wrapped.__context__ = RuntimeError("canceling statement due to lock timeout")
    wrapped.__context__.__cause__ = NoLock()
    assert sqlstate(wrapped) == "55P03"
    assert sqlstate(ValueError()) is None


@pytest.mark.parametrize(
    ("statement", "can_be"),
    [
        ('ALTER TABLE "items_item" ADD COLUMN "colour" text', True),
        ("  create unique index one on items_item (name)", True),
        ("UPDATE items_item SET name = upper(name)", True),
        ('CREATE INDEX CONCURRENTLY "one" ON "items_item" ("name")', False),
        ("ALTER TABLE items_item ADD price int; COMMIT", False),
        ("ALTER SYSTEM SET work_mem = '1MB'", False),
        ("VACUUM items_item", False),
        ("SELECT 1", False),
    ],
)
def test_a_statement_of_a_migration_that_is_not_atomic_is_limited_where_it_may_be(statement: str, can_be: bool) -> None:
    assert can_be_limited(statement) is can_be


def test_what_got_no_lock_is_tried_again_until_it_gets_one() -> None:
    tries = iter([NoLock(), NoLock(), None])

    def once() -> str:
        problem = next(tries)
        if problem:
            raise problem
        return "applied"

    one = patient()
    assert one.patiently(Connection(), PostgreSQL(), "items.0002", once) == "applied"
    # The same as before is not said again.
    assert one.waited == [
        "items.0002: no lock within 0.01 s, held by nobody who could be seen; rolled back, and tried again every 0.01 s"
    ]


def test_on_the_way_forward_it_is_given_up_after_a_few_tries_and_nothing_else_is_tried_again() -> None:
    tries = []

    def locked() -> None:
        tries.append(1)
        raise NoLock

    with pytest.raises(protocol.NoLock, match=r"items\.0002 was tried 5 times, and rolled back each time"):
        patient().patiently(Connection(), PostgreSQL(), "items.0002", locked)
    assert len(tries) == waiting.TRIES

    def broken() -> None:
        tries.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        patient().patiently(Connection(), PostgreSQL(), "items.0002", broken)
    assert len(tries) == waiting.TRIES + 1


def test_on_the_way_back_it_is_tried_until_the_limit() -> None:
    tries = []

    def locked() -> None:
        tries.append(1)
        raise NoLock

    end = time.time() + 0.5
    with pytest.raises(SystemExit, match="no lock within"):
        patient(end).patiently(Connection(), PostgreSQL(), "items.0002", locked)
    assert len(tries) > waiting.TRIES
    assert time.time() > end - 0.1


def test_one_that_is_stopped_between_two_tries_says_for_whom_it_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(seconds: float) -> None:
        raise KeyboardInterrupt

    def locked() -> None:
        raise NoLock

    monkeypatch.setattr(time, "sleep", stopped)
    with pytest.raises(SystemExit, match=r"no lock within .*, held by .*; stopped before it was tried again"):
        patient().patiently(Connection(), PostgreSQL(), "items.0002", locked)


# --- What each kind of database says


class Broken(Exception):
    """As a driver has it, with the number that the server has given."""


@pytest.mark.parametrize(
    ("engine", "problem", "gives_up", "again"),
    [
        (SQLite(), Broken("database is locked"), True, True),
        (SQLite(), Broken("database table is locked: items_item"), True, True),
        (SQLite(), Broken("no such table: items_item"), False, False),
        (MySQL(), Broken(1205, "Lock wait timeout exceeded; try restarting transaction"), True, True),
        (MySQL(), Broken(3572, "Statement aborted because lock(s) could not be acquired immediately"), True, True),
        # All of the transaction was rolled back: one statement of it is no use.
        (MySQL(), Broken(1213, "Deadlock found when trying to get lock"), True, False),
        (MySQL(), Broken(1146, "Table 'app.items_item' doesn't exist"), False, False),
        (PostgreSQL(), Broken("database is locked"), False, False),
    ],
)
def test_that_there_was_no_lock_is_told_apart_from_all_else(
    engine: Engine, problem: Exception, gives_up: bool, again: bool
) -> None:
    wrapped = ValueError("in Django's words")
    wrapped.__cause__ = problem
    assert engine.gives_up(wrapped) is gives_up
    assert engine.again(wrapped) is again


def test_what_a_person_types_to_end_the_one_that_holds_it() -> None:
    assert PostgreSQL().ends("pid 4711, user app") == "SELECT pg_terminate_backend(4711)"
    assert PostgreSQL().ends("") == "SELECT pg_terminate_backend(PID)"
    assert MySQL().ends("id 12, user app") == "KILL 12"
    assert SQLite().ends("pid 7 (python)") == "kill 7"
    assert SQLite().ends("") == ""


def test_where_nothing_can_be_rolled_back_the_one_statement_is_tried_again() -> None:
    done: list[object] = []
    tries = iter([Broken(1205, "Lock wait timeout exceeded"), None])

    def execute(sql: object, *rest: object) -> None:
        problem = next(tries)
        if problem:
            raise problem
        done.append(sql)

    one: Any = patient()
    connection: Any = Connection()
    one.one_statement(connection, MySQL(), execute, "/* switchback x y */ ALTER TABLE items ADD price int", None, False)
    assert len(done) == 1
    assert one.waited[0].startswith("ALTER TABLE items ADD price int: no lock within 0.01 s")


@pytest.mark.parametrize(("name", "forward"), [("migrate", True), ("fallback", False)])
def test_django_is_told_whose_its_sessions_are_and_how_to_wait(name: str, forward: bool) -> None:
    transaction = SimpleNamespace(deploy="20261128-111619-deploy-1060")
    settings = host_settings(lock_timeout=7, database_direct_url="postgresql://db:5432")
    step: Any = SimpleNamespace(name=name, transaction=transaction, settings=settings, until=1000.0)
    told = locks.for_django(step)
    assert told["PGAPPNAME"].startswith("switchback 20261128-111619-deploy-1060 ")
    assert len(told["PGAPPNAME"]) <= 63
    assert f'"timeout": 7, "until": {"null" if forward else 998.0}' in told[LOCKS]
    assert '"direct": "postgresql://db:5432"' in told[LOCKS]


def test_that_no_lock_was_to_be_had_is_told_apart_from_a_migration_that_fails() -> None:
    def locked() -> dict[str, Any]:
        raise protocol.NoLock("items.0002: no lock within 2 s")

    def broken() -> dict[str, Any]:
        raise SystemExit("no such table")

    with pytest.raises(locks.NoLock, match="no lock within 2 s"):
        locks.unless_locked(protocol.Migrated, protocol.answer_of(locked)[1])
    with pytest.raises(SystemExit, match="no such table"):
        protocol.answer_of(broken)
