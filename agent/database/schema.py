"""Whether the database is as it was before a deploy, on a host that does not take it back: the database is asked."""

from __future__ import annotations

import time

from agent.django.manage import django
from agent.host.command import CommandFailed
from agent.inside.protocol import Migrations
from agent.migrations.names import labels
from agent.service import health
from agent.transaction.consequences import asks_database, database_fallback_of
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.words.notes import Checked, SchemaSeen


def still_changed(transaction: Transaction, progress: Progress) -> bool:
    """Whether the primary host has yet to take the database back, so that visitors can't be let in here.

    What the old version answers says nothing of it: it may well live with the new schema, until a restore takes away
    what visitors have written meanwhile.
    """
    was, settings = progress.begin.was, progress.begin.settings
    over = time.time() > progress.fallback_at + settings.migrate_timeout + settings.confirm_timeout
    if over:
        return False
    if not asks_database(progress):
        return health.app_problem(transaction.layout, str(was), known=progress.begin.ailing) is not None
    try:
        prove_back(StepContext("fallback", transaction, settings.script_timeout))
    except (StepFailed, CommandFailed):
        return True
    # Before the primary host has migrated, the database looks as it does once it is back. With a restore to come,
    # nobody is let in until it can't migrate any more.
    return database_fallback_of(progress) == "restore" and not progress.saw_change


def prove_back(step: StepContext) -> None:
    """Prove that what is applied is what was applied before the deploy. Raises StepFailed, CommandFailed."""
    before = set(step.note(Checked).applied or ())
    now = {*django(step, Migrations, "migrations", version=str(step.begin.was)).applied}
    if now == before:
        return
    if not step.progress.saw_change:
        step.transaction.journal.note(step.transaction.noted(SchemaSeen(changed=True)))
    differs = labels(sorted(now ^ before))
    raise StepFailed(f"the primary host has not taken the database back: {differs} differs from before the deploy")
