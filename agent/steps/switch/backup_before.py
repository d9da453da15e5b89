"""The step that backs the database up when nothing in the window will change it."""

from __future__ import annotations

from agent.database.backup import examine
from agent.steps import scripts
from agent.steps.kind import RunAsKnown, SwitchStep
from agent.transaction.maintenance import BY_PRIMARY, NO_DATABASE
from agent.transaction.step import StepContext
from agent.words.notes import BackedUp


class BackupBefore(SwitchStep):
    """Back the database up before the window, when nothing in the window will change it."""

    name = "backup_before"
    runs = ("deploy",)
    script_setting = "backup_script"

    def idle(self, known: RunAsKnown) -> str:
        """Why there is none: it is made later, or by another host."""
        if known.has_no_database:
            return NO_DATABASE
        if known.changes_database:
            return "taken right before the migrations, so that a restore loses as little as can be"
        return "" if known.primary else BY_PRIMARY

    def do(self, step: StepContext) -> BackedUp:
        """Make it with the host's own script, and look whether it is one."""
        return examine(step, scripts.run_script(step, "backup_script"))
