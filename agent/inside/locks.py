"""No migration waits for a lock longer than `lock_timeout`, and no visitor behind it.

While an ALTER TABLE waits for whoever reads the table, all later queries of it wait behind the ALTER. So a migration
that gets no lock in time is rolled back, holds nothing for a while, and is tried again. Where a change of the schema
can't be rolled back, the statement is that has got none. How each kind of database says so is in `engines`.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from django.db.migrations.executor import MigrationExecutor
from django.db.transaction import atomic

from .engines.kind import SIGN, Engine, Holders, first_words
from .engines.known import engine_of, known
from .protocol import NoLock

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations import Migration
    from django.db.migrations.state import ProjectState

T = TypeVar("T")

# A line for each time that a migration of this process has got no lock, and was tried again.
WAITED: list[str] = []
TRIES = 5
# Statements that may be in a transaction of their own, and that others wait behind while they wait for a table or a
# row. All else is left as it is: it can't be in a transaction (CONCURRENTLY, which keeps no visitor waiting), or keeps
# nobody waiting.
WAITS = re.compile(
    r"\s*(?:(?:ALTER|DROP|COMMENT\s+ON)\s+(?:TABLE|INDEX|SEQUENCE|VIEW|MATERIALIZED|CONSTRAINT|TRIGGER|TYPE|COLUMN)"
    r"|CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|TRIGGER)|TRUNCATE|UPDATE|DELETE)\b",
    re.IGNORECASE,
)
BY_ITSELF = re.compile(r"\b(?:CONCURRENTLY|BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION|VACUUM)\b", re.IGNORECASE)


def be_patient(timeout: float, until: float | None) -> None:
    """Have all migrations of this process wait for locks so."""
    locks = Locks(timeout, until, WAITED)
    for connection, engine in known():
        connection.SchemaEditorClass = locks.editor(connection.SchemaEditorClass, engine)
    for name in ("apply_migration", "unapply_migration"):
        setattr(MigrationExecutor, name, locks.executor_s(getattr(MigrationExecutor, name)))


class Locks:
    """How the migrations of a process wait for locks.

    + timeout: seconds; until: as the agent has told; waited: takes a line for each time that there was none
    """

    def __init__(self, timeout: float, until: float | None, waited: list[str]) -> None:
        self.timeout = timeout
        self.until = until
        self.waited = waited
        self.watch: Watch | None = None
        self.sessions: dict[str, object] = {}

    def limit(self, connection: BaseDatabaseWrapper, engine: Engine) -> None:
        """Let a connection wait no longer: the transaction that it is in, or all of it."""
        waiting = engine.limit(connection, self.timeout)
        if engine.in_session:
            self.sessions[connection.alias] = waiting
        if self.watch:
            self.watch.waiting = waiting

    def patiently(
        self, connection: BaseDatabaseWrapper, engine: Engine, what: str, do: Callable[[], T], *, alone: bool = False
    ) -> T:
        """Do something that is undone if it gets no lock, again and again. Raises NoLock once that is no use.

        + what: its name; alone: whether it is one statement, and what came before it stays
        """
        tries, told = 0, list[str]()
        while True:
            tries += 1
            with self._watched(connection, engine, what) as watch:
                try:
                    return do()
                except Exception as problem:
                    if not (engine.again(problem) if alone else engine.gives_up(problem)):
                        raise
            by = "; ".join(watch.seen) or "nobody who could be seen"
            # Django has begun a line about it.
            print(flush=True)
            why = f"{what}: no lock within {self.timeout:g} s, held by {by}"
            if tries >= TRIES if self.until is None else time.time() + 2 * self.timeout > self.until:
                ends = engine.ends(watch.seen[0] if watch.seen else "")
                raise NoLock(
                    f"{why}\n{what} was tried {tries} times, and rolled back each time: nothing of it is applied.\n"
                    "Try again when that session has ended its transaction" + (f", or end it: {ends}" if ends else "")
                )
            who = [one.partition(",")[0] for one in watch.seen]
            if tries == 1 or who != told:
                told = who
                self.waited.append(f"{why}; rolled back, and tried again every {self.timeout:g} s")
                print(self.waited[-1], flush=True)
            try:
                time.sleep(self.timeout)
            except KeyboardInterrupt:
                raise SystemExit(f"{why}; stopped before it was tried again") from None

    @contextlib.contextmanager
    def _watched(self, connection: BaseDatabaseWrapper, engine: Engine, what: str) -> Iterator[Watch]:
        """Look who keeps a connection waiting, meanwhile."""
        outer, waiting = self.watch, self.sessions.get(connection.alias)
        self.watch = watch = Watch(engine.holders(connection), waiting, min(1.0, self.timeout / 2))
        thread = threading.Thread(target=watch.look, daemon=True)
        thread.start()
        try:
            yield watch
        except KeyboardInterrupt:
            if watch.seen:
                raise SystemExit(
                    f"{what}: stopped while it waited for a lock, held by {'; '.join(watch.seen)}"
                ) from None
            raise
        finally:
            watch.over.set()
            thread.join(1.0)
            self.watch = outer

    def one_statement(
        self, connection: BaseDatabaseWrapper, engine: Engine, execute: Callable[..., T], sql: object, *rest: object
    ) -> T:
        """Run a statement of a migration that can't be rolled back: of all that it does, it alone is tried again."""
        what = first_words(SIGN.sub("", str(sql)))
        if connection.in_atomic_block and engine.whole:
            return execute(sql, *rest)
        if engine.in_session:
            return self.patiently(connection, engine, what, lambda: execute(sql, *rest), alone=True)
        if not can_be_limited(sql):
            if "CONCURRENTLY" not in str(sql).upper():
                return execute(sql, *rest)
            # It waits for everybody who is in a transaction, as long as it takes, and nobody waits for it.
            with self._watched(connection, engine, what) as watch:
                watch.waiting = connection.connection.info.backend_pid
                return execute(sql, *rest)

        def once() -> T:
            with atomic(connection.alias):
                self.limit(connection, engine)
                return execute(sql, *rest)

        return self.patiently(connection, engine, what, once)

    def one_operation(self, engine: Engine, run: Callable[..., T], says: str) -> Callable[..., T]:
        """An operation that is atomic in a migration that is not: it is tried again as a whole."""

        @functools.wraps(run)
        def patient(
            app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
        ) -> T:
            connection, deferred = schema_editor.connection, list(schema_editor.deferred_sql)

            def once() -> T:
                schema_editor.deferred_sql[:] = deferred
                with atomic(connection.alias):
                    self.limit(connection, engine)
                    return run(app_label, schema_editor, from_state, to_state)

            return self.patiently(connection, engine, f"{app_label}: {says}", once)

        return patient

    def editor(self, base: type[BaseDatabaseSchemaEditor], engine: Engine) -> type[BaseDatabaseSchemaEditor]:
        """A schema editor that waits no longer, whatever of a migration is done with it."""
        locks = self

        class Limited(base):  # type: ignore[misc]
            def __enter__(self) -> BaseDatabaseSchemaEditor:
                entered = super().__enter__()
                self.ours = contextlib.ExitStack()
                if not self.collect_sql and (self.atomic_migration or engine.in_session):
                    locks.limit(self.connection, engine)
                if not self.collect_sql and not self.atomic_migration:
                    one = functools.partial(locks.one_statement, self.connection, engine)
                    self.ours.enter_context(self.connection.execute_wrapper(one))
                return entered

            def __exit__(self, *raised: object) -> object:
                # What is left to the end of a migration is done here.
                with self.ours:
                    return super().__exit__(*raised)

        return Limited

    def executor_s(self, method: Callable[..., T]) -> Callable[..., T]:
        """What an executor does with one migration, patiently."""

        @functools.wraps(method)
        def patient(
            executor: MigrationExecutor, state: ProjectState, migration: Migration, *rest: object, **named: object
        ) -> T:
            engine = engine_of(executor.connection)
            if engine is None or not engine.whole:
                return method(executor, state, migration, *rest, **named)
            if not migration.atomic:
                for operation in migration.operations:
                    if operation.atomic:
                        says = operation.describe()
                        operation.database_forwards = self.one_operation(engine, operation.database_forwards, says)
                        operation.database_backwards = self.one_operation(engine, operation.database_backwards, says)
                return method(executor, state, migration, *rest, **named)
            name = f"{migration.app_label}.{migration.name}"
            # A state is moved on as a migration is applied.
            return self.patiently(
                executor.connection, engine, name, lambda: method(executor, state.clone(), migration, *rest, **named)
            )

        return patient


class Watch:
    """Who keeps a session waiting, looked at from another one: once the wait is over, nobody can tell any more.

    + waiting: what the session is known by, once that is known; every: how often it is looked, seconds
    """

    def __init__(self, holders: Holders, waiting: object, every: float) -> None:
        self.holders = holders
        self.waiting = waiting
        self.every = every
        self.seen: list[str] = []
        self.over = threading.Event()

    def look(self) -> None:
        try:
            while not self.over.wait(self.every):
                if self.waiting is not None:
                    self.seen = self.holders.seen(self.waiting) or self.seen
        except Exception as problem:  # noqa: BLE001 - whatever keeps it from being told, the migration goes on
            self.seen = self.seen or [f"somebody who can't be told ({type(problem).__name__})"]
        finally:
            self.holders.close()


def can_be_limited(statement: object) -> bool:
    """Whether a statement outside of any transaction may be given one of its own, and may keep others waiting."""
    return bool(WAITS.match(str(statement))) and not BY_ITSELF.search(str(statement))
