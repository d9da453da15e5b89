"""What a run does to the database: the migrations, and the way back from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.database.choice import decide_fallback, not_reversible
from agent.inside import protocol
from agent.migrations.risk import BREAKS, LOSES, SHUTS, UNKNOWN
from agent.transaction.step import StepFailed
from agent.words.facts import Site
from switchback.plan.model import Fallback
from switchback.plan.parts import Migration, Migrations
from switchback.runs.reverts import last_left
from switchback.runs.run import Run

# Of a first deploy it is not known yet what is applied, nor what Django and the packages would apply.
FIRST = "in an empty database with all that they have made; what is in it is known when built"


def changes_database(run: Run, migrations: Migrations | None) -> bool | None:
    """Whether the run changes the database; None where only the build can tell."""
    if run.kind == "revert":
        return run.about.database != "keep"
    if migrations is None or migrations.source == "unknown":
        return None
    if migrations.pending:
        return True
    # Packages that change may bring migrations of their own, which no file of the project's tells of.
    return False if for_certain(migrations) else None


def for_certain(migrations: Migrations) -> bool:
    """Whether Django itself has said what there is to migrate."""
    return migrations.source == "django" and not migrations.why


def breaking(migrations: Migrations) -> list[str]:
    """Those to be applied that the old code may not be able to live with."""
    return _risking(migrations, (BREAKS, UNKNOWN))


def shutting(migrations: Migrations) -> list[str]:
    """Those to be applied during which nobody else can write to the database."""
    return _risking(migrations, (SHUTS,))


def _risking(migrations: Migrations, kinds: Sequence[str]) -> list[str]:
    return [
        one.label
        for one in migrations.pending
        if any(risk.kind in kinds for operation in one.operations for risk in operation.risks)
    ]


def fallback_of(run: Run, migrations: Migrations | None) -> tuple[Fallback | None, tuple[str, ...]]:
    """What a fallback would do to the database; and why the build would refuse the run, if it would."""
    if run.kind == "revert":
        return _fallback_of_revert(run), _refusal_of_revert(run, migrations)
    if "checks" not in run.steps:
        return None, ()
    fallback, refusal = _fallback_of_deploy(run, migrations)
    # A build changes no database, and is checked all the same.
    if "migrate" not in run.steps:
        return None, refusal
    if run.host != run.primary and fallback.way in ("reverse", "restore"):
        fallback = fallback.model_copy(update={"why": "by the primary host"})
    return fallback, refusal


def _fallback_of_deploy(run: Run, migrations: Migrations | None) -> tuple[Fallback, tuple[str, ...]]:
    if migrations is None or migrations.source == "unknown":
        return Fallback(way=run.settings.database_fallback, why="what is migrated is known when built"), ()
    if migrations.conflicts:
        return Fallback(way="refused"), (f"migrations conflict: {_conflicts(migrations.conflicts)}",)
    if migrations.inconsistent:
        return Fallback(way="refused"), migrations.inconsistent
    if run.was is None and migrations.applied is None and run.settings.database_fallback == "reverse":
        return Fallback(way="reverse", why=FIRST), ()
    if not migrations.pending:
        return Fallback(way="none", why="" if for_certain(migrations) else "as far as the project's own files tell"), ()
    return fallback_of_migrations(run, migrations)


def fallback_of_migrations(run: Run, migrations: Migrations) -> tuple[Fallback, tuple[str, ...]]:
    """What a fallback would do once these migrations are applied; and why the build would refuse them, if it would."""
    pending = [_as_told(one, one.reversible is not False) for one in migrations.pending]
    settings = run.settings.for_host()
    try:
        accepted, breaks = run.about.irreversible, bool(breaking(migrations))
        provisioned = run.about.provisioned
        way = decide_fallback(settings, accepted, pending, breaks=breaks, provisioned=provisioned)
    except StepFailed as problem:
        return Fallback(way="refused", cannot_undo=_cannot_undo("refused", migrations)), (str(problem),)
    return Fallback.model_validate({"way": way, "cannot_undo": _cannot_undo(way, migrations)}), ()


def _conflicts(conflicts: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{app}: {', '.join(names)}" for app, names in conflicts.items())


def ways_back_offered(run: Run, seen: Site, migrations: Migrations | None) -> tuple[str, ...]:
    """The ways for a revert to take the database back that would not be refused."""
    if run.kind != "revert" or run.about.database != "keep":
        return ()
    stuck = migrations is not None and any(one.reversible is False for one in migrations.leaving)
    last = last_left(seen.history, run.version)
    restores = bool(run.settings.restore_script and last and last.backup)
    return tuple(way for way, can in (("reverse", not stuck), ("restore", restores)) if can)


def _fallback_of_revert(run: Run) -> Fallback:
    way = run.about.database
    if way == "keep":
        return Fallback(way="none")
    if run.settings.restore_script:
        written = "once visitors are in, after the watch, what they write keeps the fresh backup from being restored"
        return Fallback(way="restore", why="from the backup that is taken first", cannot_undo=(written,))
    if way == "restore":
        return Fallback(way="keep", cannot_undo=("the restored rows stay as they are",))
    return Fallback(
        way="reapply",
        cannot_undo=("what reversing them has dropped does not come back",),
    )


def _refusal_of_revert(run: Run, migrations: Migrations | None) -> tuple[str, ...]:
    if run.about.database != "reverse" or migrations is None or migrations.source == "unknown":
        return ()
    problem = not_reversible([_as_told(one, bool(one.reversible)) for one in migrations.leaving], migrations.why)
    return (problem,) if problem else ()


def _as_told(one: Migration, reversible: bool) -> protocol.Migration:
    """A migration as the agent decides about it."""
    return protocol.Migration(
        one.app, one.name, reversible, one.atomic, (), one.database, loses=one.loses, halfway=one.halfway
    )


def _cannot_undo(way: str, migrations: Migrations) -> tuple[str, ...]:
    sentences = []
    stuck = [one.label for one in migrations.pending if one.reversible is False]
    if way == "restore":
        sentences.append(
            "once visitors are in, after the watch, the backup is not restored any more: it lacks what they wrote"
        )
    if stuck:
        verb = "can't be reversed" if way != "keep" else "stay: they can't be reversed"
        sentences.append(f"{', '.join(stuck)} {verb}")
    if way == "keep" and not stuck:
        sentences.append("every migration stays applied")
    if way == "reverse":
        lost = [one.label for one in migrations.pending if _loses(one)]
        sentences += [f"{', '.join(lost)}: what is dropped does not come back with reversing"] if lost else []
        half = [one.label for one in migrations.pending if one.halfway or not one.atomic]
        sentences += [f"{', '.join(half)}: if it fails half-way, a person is needed"] if half else []
        unsure = [one.label for one in migrations.pending if one.reversible is None]
        sentences += [f"{', '.join(unsure)}: whether it can be reversed is known when built"] if unsure else []
    return tuple(sentences)


def _loses(migration: Migration) -> bool:
    return any(risk.kind == LOSES for operation in migration.operations for risk in operation.risks)
