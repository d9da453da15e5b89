"""The database's way back, chosen from what is seen when it counts: right before the database is changed, since rows
may have come in since the checks, and when it is taken back, from what is really applied."""

from __future__ import annotations

from dataclasses import field, replace
from typing import ClassVar

from agent.database.choice import way_back_of
from agent.django.manage import django
from agent.host.command import CommandFailed
from agent.host.output import emit, warn
from agent.inside.lean import dataclass
from agent.inside.protocol import Migration, Migrations, Name, Operation
from agent.migrations.names import key_of, label, labels
from agent.transaction.consequences import database_fallback_of, visitors_are_in
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import BackedUp, Checked, Note
from agent.words.shapes import OLD_NAME

Applied = set[Name]


@dataclass(frozen=True)
class WayChosen(Note):
    """How the database goes back, as it was chosen when it was taken back, and why."""

    step: ClassVar[str] = "way back"
    fallback: str = field(default="", metadata={OLD_NAME: "way"})
    why: str = ""


def look_again(step: StepContext) -> None:
    """See whether migrations have something to discard by now that had nothing at the checks, and choose anew.

    Raises StepFailed where what is then the only way back is not open, or is none.
    """
    checked = step.note(Checked)
    before = checked.pending
    if checked.empty or not any(map(_may_lose, before)):
        return
    now = {key_of(one): one.loses for one in django(step, Migrations, "migrations").pending}
    pending = tuple(replace(one, loses=one.loses or now.get(key_of(one), False)) for one in before)
    more = labels(one for one, was in zip(pending, before) if one.loses and not was.loses)
    if not more:
        return
    way = way_back_of(step, pending)
    if way == "restore" and visitors_are_in(step.progress):
        raise StepFailed(
            f"since the checks something was stored that {more} would discard, and no backup can be restored while "
            "visitors are in: deploy again, and they will be kept out"
        )
    step.transaction.journal.append(step.transaction.noted(Checked(pending=pending, fallback=way)))
    says = "the way back is the backup" if way == "restore" else "reversing it brings none of that back"
    warn(f"migrate: WARNING: since the checks something was stored that {more} discards: {says}")


def _may_lose(one: Migration) -> bool:
    """Whether a migration that had nothing to discard may have something now."""
    return not one.loses and any(map(_discards, one.operations))


def _discards(operation: Operation) -> bool:
    if operation.kind == "AlterField":
        return operation.narrows
    return operation.kind in ("RemoveField", "DeleteModel") or any(map(_discards, operation.inside))


def choose(step: StepContext) -> tuple[str, Applied | None]:
    """How the database goes back now, reverse or restore, and what was seen applied, if that had to be looked at. What
    was chosen once stays, as a restore may be half done."""
    way = database_fallback_of(step.progress)
    chosen = step.note(WayChosen).fallback
    if chosen == "restore" or way == "keep" or step.settings.database_fallback != "reverse":
        return chosen or way, None
    try:
        applied = applied_now(step)
    except CommandFailed:
        if way == "reverse":
            raise
        return _chosen(step, "restore", "what is applied can't be read"), None
    return _chosen(step, *_from_what_is_applied(step, way, applied)), applied


def _chosen(step: StepContext, way: str, why: str) -> str:
    step.transaction.journal.note(step.transaction.noted(WayChosen(fallback=way, why=why)))
    if why:
        emit(f"  the database goes back by {way}: {why}")
    return way


def applied_now(step: StepContext) -> Applied:
    """Which migrations are applied, as the version's own Django sees it. Raises CommandFailed."""
    return {*django(step, Migrations, "migrations").applied}


def _from_what_is_applied(step: StepContext, decided: str, applied: Applied) -> tuple[str, str]:
    """The way, and why it is another than was decided, or which of its reasons has come true.

    + decided: before anything was changed
    """
    pending = step.note(Checked).pending
    done = [one for one in pending if key_of(one) in applied]
    cut = next((one for one in pending if key_of(one) not in applied), None)
    if cut and may_be_half(cut) and (decided == "restore" or _can_restore(step)):
        return "restore", f"{label(cut)} may be half applied"
    if decided == "reverse":
        return "reverse", ""
    worse = labels(one for one in done if one.loses or one.halfway or not one.reversible)
    return ("restore", f"{worse} is applied") if worse else ("reverse", "nothing is applied that this can't bring back")


def may_be_half(migration: Migration) -> bool:
    """Whether a migration that was begun and is not recorded as applied may have been applied in part."""
    return migration.halfway or not migration.atomic


def _can_restore(step: StepContext) -> bool:
    has_both = step.settings.restore_script and step.note(BackedUp).path
    return bool(has_both) and not visitors_are_in(step.progress)
