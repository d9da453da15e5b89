"""Restoring a backup, and proving that it has brought the database back, for a script that ends well may do nothing."""

from __future__ import annotations

import os

from agent.django import scripts
from agent.django.manage import django
from agent.host.reading import beginning_of
from agent.host.users import acting_as
from agent.inside.protocol import Migrations, Name
from agent.migrations.names import labels
from agent.transaction.step import StepContext, StepFailed
from agent.versions.layout import Layout
from agent.words.notes import Names

# How provision's script begins, by which it is known.
SIGN = "\n# Restores the app's database from a backup: restore_database.sh PATH\n"
# How much of a script is read for that, bytes.
BEGINNING = 1024


def is_usual(layout: Layout) -> bool:
    """Whether the restore script at its usual path is one that provision has written, whatever was changed in it since.

    Any other is a person's own, who names it in the settings.
    """
    try:
        with acting_as(layout.app):
            return SIGN in beginning_of(layout.usual_restore_script, BEGINNING)
    except OSError:
        return False


def restore(step: StepContext, backup: str) -> None:
    """Give the host's restore script a backup. Raises CommandFailed."""
    script = step.layout.path("restore_script")
    # A whole database may be written out on the way back into it: where backups have room, not where /tmp is memory.
    env = {**scripts.for_databases(step), "TMPDIR": os.path.dirname(backup)}
    step.runner(step.layout.app).run([str(script), backup], cwd=step.layout.home, env=env)


def prove_restored(step: StepContext, version: str, before: Names | None) -> bool:
    """Prove that what is applied is what was. Raises StepFailed, CommandFailed. Returns whether it could be proven.

    + version: the one whose Django has told what was applied
    + before: what was applied; None where nobody has told
    """
    if before is None:
        return False
    was, now = {*before}, {*django(step, Migrations, "migrations", version=version).applied}
    if was != now:
        raise StepFailed(
            "the restore script has ended well, and has not brought the database back: " + _difference(was, now)
        )
    return True


def _difference(was: set[Name], now: set[Name]) -> str:
    told = (("still applied", now - was), ("not applied any more", was - now))
    words = [f"{word}: {labels(sorted(pairs))}" for word, pairs in told if pairs]
    return "; ".join(words) + "; is the backup of the database that the app uses?"
