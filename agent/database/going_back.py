"""What a revert does with the database: found out before anything is touched, then done, and undone if it fails."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace

from agent.database.choice import not_reversible
from agent.database.restoring import prove_restored, restore
from agent.django.foresight import with_risks
from agent.django.locks import tell
from agent.django.manage import django
from agent.host.command import CommandFailed
from agent.inside.lean import dataclass
from agent.inside.protocol import Leaving, Migration, Migrations, Reapplied, Unapplied
from agent.migrations.names import key_of, label, labels
from agent.migrations.risk import BREAKS, UNKNOWN
from agent.transaction.bounds import past_runs
from agent.transaction.consequences import visitors_are_in
from agent.transaction.journal import Journal
from agent.transaction.step import StepContext, StepFailed
from agent.versions.marks import read_seal
from agent.words.journal import JournalUnreadable
from agent.words.notes import BackedUp, Checked, Names, Undone


@dataclass(frozen=True)
class TakenBack(Undone):
    """How the database was taken back.

    + skipped: why there was nothing to take back; unapplied: the migrations that were reversed
    + restored: the backup; unproven: whether nobody knows what was applied before
    + databases: those that were taken back
    """

    skipped: str = ""
    unapplied: Names = ()
    restored: str = ""
    unproven: bool = False
    databases: tuple[str, ...] = ()

    def says(self) -> str:
        """How it went back, and which databases."""
        if self.skipped:
            return f"seen: {self.skipped}"
        which = f" ({', '.join(self.databases)})" if len(self.databases) > 1 else ""
        if self.unproven:
            return f"restored: database{which}, of which nobody knows what was applied before"
        return f"undone: database{which}" + (f", from {self.restored}" if self.restored else "")


def check(step: StepContext) -> Checked:
    """Find out what is applied that the older version does not know. Raises StepFailed where that can't be taken back.

    Only the version that is being left has the code to tell, and to reverse its own migrations.
    """
    was = str(step.begin.was)
    way, known, left = step.begin.database, _known(step, step.version), _known(step, was)
    if known is None:
        why = says_nothing(step.version)
        if way == "reverse":
            raise StepFailed(
                f"{why}, so that what is to be reversed isn't known; --data database=keep goes back without"
            )
        return Checked(warning=why if left else "")
    if way == "keep" and left is not None and all(one in known for one in left):
        # Whoever goes back is in a hurry, and this needs no Django to be told.
        return Checked()
    try:
        found = django(step, Leaving, "leaving", json.dumps(known), version=was)
    except CommandFailed as problem:
        if way == "reverse":
            raise
        return Checked(warning=f"what is applied that {step.version} does not know can't be told: {problem.args[0]}")
    leaving = with_risks(found.leaving)
    checked = Checked(applied=found.applied, unknown=found.unknown, leaving=leaving, databases=found.databases)
    refusal = not_reversible(found.leaving) if way == "reverse" else ""
    if refusal:
        raise StepFailed(refusal)
    stays = [] if way == "restore" else in_neither(checked.unknown)
    newer = newer_schema(leaving) if way == "keep" else []
    return warned(checked, stays, newer)


def older_code(step: StepContext, checked: Checked, others: list[str]) -> Checked:
    """The same with what is worth knowing of a deploy to code that lacks some of what is applied.

    + others: what else is worth a warning
    """
    was = step.begin.was
    if not checked.unknown:
        return warned(checked, others, [])
    leaving = Leaving((), (), (), checked.unknown)
    if was:
        # To describe them takes the live version's code. A deploy that is well without knowing needs none.
        with contextlib.suppress(CommandFailed):
            leaving = django(step, Leaving, "leaving", json.dumps(checked.known + checked.replaced), version=was)
    return warned(checked, [*others, *in_neither(leaving.unknown)], newer_schema(with_risks(leaving.leaving)))


def warned(checked: Checked, stays: list[str], newer: list[str]) -> Checked:
    """The same with what is worth a warning, and with what is to be said of the version as long as it is live."""
    return replace(checked, warning="\n  ".join([*stays, *newer]), newer_schema=tuple(newer))


def in_neither(unknown: Sequence[Sequence[str]]) -> list[str]:
    """What to say of migrations that are applied, and that no version has."""
    return [f"applied, and in neither version, so that it stays: {labels(unknown)}"] if unknown else []


def _known(step: StepContext, version: str) -> Names | None:
    """The migrations that a version has; None where it does not say."""
    return read_seal(step.layout.version(version)).migrations


def says_nothing(version: str) -> str:
    """Why it is not known what a version lacks."""
    return f"{version} says nothing of its migrations: it was not built by Switchback"


def newer_schema(leaving: Sequence[Migration]) -> list[str]:
    """What of migrations that stay may keep an older version from working, a line each."""
    return [
        f"{label(one)} stays applied ({operation.says}: {risk.says})"
        for one in leaving
        for operation in one.operations
        for risk in operation.risks
        if risk.kind in (BREAKS, UNKNOWN)
    ]


def take_back(step: StepContext) -> None:
    """Take the database back, as a revert's user asked: by reversing migrations or by an older backup."""
    before = step.note(Checked)
    if step.begin.database == "restore":
        restore(step, str(step.begin.backup))
        _prove_older(step, before)
        return
    gone = set(map(key_of, before.leaving))
    keep = [pair for pair in before.applied or () if pair not in gone]
    done = django(step, Unapplied, "unapply", json.dumps(keep), version=str(step.begin.was))
    tell(step, done.waited)
    if done.wrong:
        raise StepFailed("the applied migrations are not those that were to stay: " + json.dumps(done.wrong))


def _prove_older(step: StepContext, before: Checked) -> None:
    """Prove that a restore has brought back a database that the older version knows. Raises StepFailed."""
    after, then = django(step, Migrations, "migrations"), _applied_at_the_backup(step)
    leaving = set(map(key_of, before.leaving))
    still = leaving & {*after.applied}
    # Some may have been applied already when the older version was live, and when the backup was taken.
    still = still if then is None and still == leaving else still - set(then or still)
    if still:
        names = labels(sorted(still))
        raise StepFailed(f"the restore script has ended well, and {names} is still applied: it restored nothing")
    if after.pending:
        raise StepFailed(f"the restored database lacks what {step.version} needs: {labels(after.pending)}")


def _applied_at_the_backup(step: StepContext) -> Names | None:
    """What was applied when the backup was taken that a revert restores; None where nobody has kept that."""
    state, backup = step.transaction.state, step.begin.backup
    made = next((run.deploy for run in reversed(past_runs(state)) if run.backup == backup), "")
    try:
        return Journal(state.transaction(made)).progress.note(Checked).applied if made else None
    except JournalUnreadable:
        return None


def undo(step: StepContext) -> TakenBack:
    """Undo what a revert did to the database: from the backup that it took first, else by migrating forward again."""
    was, before, backup = str(step.begin.was), step.note(Checked).applied, step.note(BackedUp).path
    if step.settings.restore_script and backup and not visitors_are_in(step.progress):
        restore(step, backup)
        return TakenBack(restored=backup, unproven=not prove_restored(step, was, before))
    if step.begin.database == "restore":
        # An older backup is live, and visitors may have written to it: only a person can say which rows are to stay.
        raise StepFailed(f"visitors may have written since the restore; the rows from before it are in {backup}")
    done = django(step, Reapplied, "reapply", json.dumps(before), version=was)
    tell(step, done.waited)
    if done.wrong:
        raise StepFailed("the applied migrations differ from what was recorded: " + json.dumps(done.wrong))
    return TakenBack()
