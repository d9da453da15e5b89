"""How the database would go back: decided from the settings and the migrations to come, before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence

from agent.inside.protocol import Migration
from agent.migrations.names import label, labels
from agent.transaction.maintenance import breaks_old_code
from agent.transaction.step import StepContext, StepFailed
from agent.words.settings import Settings

# What to do where provision has made a host, and no restore script is there.
BY_PROVISION = (
    "With restore_script: auto, run deploys/provision.py, which writes a script that restores this deploy's own "
    "backup; or go without one, for this deploy: --data irreversible=accept"
)


def way_back_of(step: StepContext, pending: Sequence[Migration], empty: bool = False) -> str:
    """How the database goes back if this run fails. Raises StepFailed as `decide_fallback` does."""
    begin, breaks = step.begin, bool(breaks_old_code(pending))
    return decide_fallback(step.settings, begin.irreversible, pending, empty, breaks, provisioned=begin.provisioned)


def decide_fallback(
    settings: Settings,
    irreversible: str,
    pending: Sequence[Migration],
    empty: bool = False,
    breaks: bool = False,
    *,
    provisioned: bool = False,
) -> str:
    """How the database goes back if this deploy fails. Raises StepFailed when it could not, and nobody accepted that.

    + irreversible: refuse, or accept
    + pending: the migrations to come
    + empty: whether there is no table yet, so that nothing can be lost
    + breaks: whether the old code can't live with them
    + provisioned: whether the backup script is the one that provision writes, which writes one to restore as well
    """
    way = settings.database_fallback
    if way != "reverse" or empty:
        return way
    stuck = [migration for migration in pending if not migration.reversible]
    if settings.restore_script and (stuck or better_restored(settings, pending, breaks)):
        return "restore"
    worse = better_restored(settings, pending, breaks) if provisioned else []
    if irreversible == "accept" or not (stuck or worse):
        return "keep" if stuck else way
    if provisioned:
        told = [*([f"these migrations can't be reversed: {labels(stuck)}"] if stuck else []), *worse]
        raise StepFailed("\n".join([*told, BY_PROVISION]))
    raise StepFailed(
        f"these migrations can't be reversed: {labels(stuck)}\n"
        "Set restore_script, so that the database can be restored from this deploy's own backup, or accept that the "
        "schema stays: --data irreversible=accept"
    )


def better_restored(settings: Settings, pending: Sequence[Migration], breaks: bool) -> list[str]:
    """Of migrations that can be reversed, those that are better undone by a restore, each with why. Pure.

    They discard what is stored, or can stop half-way. The latter alone is no reason to keep visitors out.

    + breaks: whether the old code can't live with them
    """
    lossy, half = [one for one in pending if one.loses], [one for one in pending if one.halfway]
    told = [f"{label(one)} discards what is stored, and reversing it brings none of that back" for one in lossy]
    if settings.maintenance == "auto" and not lossy and not breaks:
        return []
    return [*told, *(f"{label(one)} can stop half-way, where nothing can reverse it" for one in half)]


def not_reversible(leaving: Sequence[Migration], why: str = "") -> str:
    """Why a revert can't take the database back by reversing, and what to do instead; nothing where it can. Pure.

    + leaving: the migrations to be reversed; why: what keeps them from being known
    """
    stuck = [one for one in leaving if not one.reversible]
    if not stuck and not why:
        return ""
    first = why or f"these migrations can't be reversed: {labels(stuck)}"
    return f"{first}\nGo back without the database (--data database=keep), or with a backup (--data database=restore)."
