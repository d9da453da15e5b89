"""The step that backs the database up when it is about to be changed."""

from __future__ import annotations

from agent.database.backup import examine
from agent.steps import scripts
from agent.steps.kind import RunAsKnown, SwitchStep
from agent.transaction.maintenance import BY_PRIMARY, NO_DATABASE, STAYS, decide
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.words.notes import BackedUp


class Backup(SwitchStep):
    """Back the database up inside the window, when it is about to be changed."""

    name = "backup"
    script_setting = "backup_script"

    def idle(self, known: RunAsKnown) -> str:
        """Why there is none: nothing is about to change the database, or another host backs it up."""
        if known.has_no_database:
            return NO_DATABASE
        if known.changes_database is False:
            return STAYS if known.kind == "revert" else "taken before the window"
        return "" if known.primary else BY_PRIMARY

    def noticed(self, progress: Progress) -> bool:
        """Visitors wait for it, if they are kept out."""
        return decide(progress).needed

    def do(self, step: StepContext) -> BackedUp:
        """Make it with the host's own script, and look whether it is one."""
        return examine(step, scripts.run_script(step, "backup_script"))
