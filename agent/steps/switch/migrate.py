"""The step that changes the database, and the two ways in which it is seen to be back."""

from __future__ import annotations

import json
import time

from agent.database import going_back, schema, way_back
from agent.database.going_back import TakenBack
from agent.database.restoring import prove_restored, restore
from agent.django import locks, sessions, warm
from agent.django.manage import django
from agent.host.output import emit
from agent.inside.lean import dataclass
from agent.inside.protocol import Unapplied
from agent.migrations.names import key_of, label, labels
from agent.restart import pausing
from agent.steps.beside.schedule import timers_of
from agent.steps.kind import RunAsKnown, SwitchStep, Turn, Undo
from agent.transaction.consequences import asks_database, database_fallback_of, may_have_changed_database, pauses
from agent.transaction.maintenance import BY_PRIMARY, STAYS
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import BackedUp, Checked, Note, Undone
from agent.words.settings import Settings


@dataclass(frozen=True)
class Migrated(Note):
    """The migrations that were applied."""

    applied: tuple[str, ...] = ()


class TakeDatabaseBack(Undo):
    """Take the database back to what it was before this deploy changed it."""

    name = "database"
    turn = Turn.DATABASE
    shape = TakenBack
    keeps_visitors_out = True
    before_the_app = True

    def needed(self, progress: Progress) -> bool:
        """Where this host may have changed the database, and it is to be taken back."""
        return may_have_changed_database(progress) and database_fallback_of(progress) != "keep"

    def limit(self, settings: Settings) -> float:
        """As long as migrating, seconds."""
        return settings.migrate_timeout

    def do(self, step: StepContext) -> TakenBack:
        """Take the database back to what it was before this deploy changed it."""
        sessions.end_left(step)
        if step.begin.kind == "revert":
            _stop_what_writes(step)
            return going_back.undo(step)
        way, applied = way_back.choose(step)
        # Right before it goes back: a host that boots may have started it a moment ago.
        _stop_what_writes(step)
        if way == "restore":
            return _restore(step)
        before = step.note(Checked)
        half = _half_applied(before, way_back.applied_now(step) if applied is None else applied)
        if half:
            raise StepFailed(f"{half} is not atomic and failed on the way: the schema may be half applied")
        emptied = ["emptied"] if before.empty else []
        done = django(step, Unapplied, "unapply", json.dumps(before.applied), *emptied)
        locks.tell(step, done.waited)
        if done.wrong:
            raise StepFailed("the applied migrations differ from what was recorded: " + json.dumps(done.wrong))
        if done.tables:
            raise StepFailed("the database was empty before, and has these tables now: " + ", ".join(done.tables))
        return TakenBack(unapplied=done.unapplied, databases=done.databases)


class ProveSchema(Undo):
    """Prove that the host which took the database back has done so."""

    name = "schema"
    turn = Turn.DATABASE
    keeps_visitors_out = True
    looks = "see that the primary host has taken the database back"
    says = "seen: the primary host has taken the database back"

    def needed(self, progress: Progress) -> bool:
        """Where another host takes the database back, and visitors are let in only then."""
        return not TakeDatabaseBack().needed(progress) and asks_database(progress)

    def do(self, step: StepContext) -> Undone:
        """Ask the database until it is back."""
        schema.prove_back(step)
        return Undone()


class Migrate(SwitchStep):
    """Bring the database to where the version needs it."""

    name = "migrate"
    blames_version = True
    touches = True
    undos = (TakeDatabaseBack(), ProveSchema())

    def limit(self, settings: Settings) -> float:
        """As long as migrations may take, seconds."""
        return settings.migrate_timeout

    def idle(self, known: RunAsKnown) -> str:
        """Why nothing is migrated here."""
        if not known.primary:
            return BY_PRIMARY
        if known.changes_database is False:
            return STAYS if known.kind == "revert" else "nothing to migrate"
        return ""

    def do(self, step: StepContext) -> Migrated:
        """Migrate; a revert takes the database back, as its user has asked."""
        if step.begin.kind == "revert":
            going_back.take_back(step)
            return Migrated()
        way_back.look_again(step)
        found = warm.migrate(step)
        locks.tell(step, found.waited)
        if found.pending:
            raise StepFailed("still to be migrated afterwards: " + labels(found.pending))
        return Migrated(applied=tuple(map(label, step.note(Checked).pending)))


def _stop_what_writes(step: StepContext) -> None:
    """Stop what writes besides the web, where this run had: it may have been started since. It is in nothing's way."""
    pausing.stop_again(step)
    if pauses(step.progress):
        timers = timers_of(step)
        try:
            timers.stop(timers.there, min(step.until, time.time() + step.settings.restart_timeout))
        except StepFailed as problem:
            emit(f"  {problem}")


def _half_applied(before: Checked, applied: way_back.Applied) -> str | None:
    """The migration that may have failed on its way without a transaction around it, if one did."""
    for migration in before.pending:
        if key_of(migration) not in applied:
            return label(migration) if way_back.may_be_half(migration) else None
    return None


def _restore(step: StepContext) -> TakenBack:
    path, checked = step.note(BackedUp).path, step.note(Checked)
    if not path:
        # The step that changes the database comes after the backup, so without one nothing was changed.
        return TakenBack(skipped="no backup was taken, so nothing was changed")
    restore(step, path)
    proven = prove_restored(step, step.version, checked.applied)
    databases = tuple(one.alias for one in checked.databases)
    return TakenBack(restored=path, unproven=not proven, databases=databases)
