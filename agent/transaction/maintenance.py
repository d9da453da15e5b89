"""Whether a run needs a maintenance window, and what is said of it. Pure: a journal in, answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.inside.protocol import Migration, Operation
from agent.migrations.names import label, labels
from agent.migrations.risk import old_code_can_live_with
from agent.text.lines import first_line
from agent.transaction.progress import Progress
from agent.words.notes import Checked
from agent.words.seen import RestartMode
from agent.words.settings import Settings

STAYS = "the database stays as it is"
BY_PRIMARY = "done by the primary host"

# What is said of maintenance.
STAYS_ON = "maintenance stays ON"
IS_ON = "maintenance is still ON"
MAY_BE_ON = "maintenance may still be ON, since its stop script failed"
IS_OFF = "maintenance is off"
NEVER_ON = "maintenance was not turned on"
SHUT_NOBODY_OUT = "maintenance was not seen to keep anybody out"
AS_LEFT = "maintenance stays as its start script left it, which visitors could not see"
NOT_SEEN = "whether maintenance has ended can't be told from what visitors get"
# What a look at the site ends with, where the stop script has ended well.
STILL_ON = "its script has ended well, but visitors still get the maintenance page"


@dataclass(frozen=True)
class Window:
    """Whether visitors are kept out, and why or why not."""

    needed: bool
    why: str


def restart_mode(progress: Progress) -> RestartMode:
    """How the service is restarted, as it was decided before the live site was touched."""
    return progress.note(Checked).restart or progress.begin.restart or RestartMode("restart", interrupts=True)


def changes_database(progress: Progress) -> bool:
    """Whether this run is going to change the database."""
    if progress.begin.kind == "revert":
        return progress.begin.database != "keep"
    return bool(progress.note(Checked).pending)


def decide(progress: Progress) -> Window:
    """Decide whether there is a window.

    + progress: the journal up to the checks
    """
    settings, mode = progress.begin.settings, restart_mode(progress)
    if settings.maintenance != "auto":
        return Window(True, "the settings say maintenance: always")
    if settings.restart == "rolling" and mode.interrupts:
        return Window(True, first_line(mode.why or "the service restarts as a whole").rstrip(":"))
    if not changes_database(progress):
        return Window(False, "nothing is migrated")
    if progress.begin.kind == "revert":
        return Window(True, "the database is taken back")
    checked = progress.note(Checked)
    why = _needs_one(checked.pending, settings, checked.fallback == "restore")
    return Window(bool(why), why or "the old code can live with every migration")


def _needs_one(pending: Sequence[Migration], settings: Settings, restores: bool) -> str:
    """Why visitors must not be in while these migrations run; empty when they may be.

    + restores: whether a backup is the way back
    """
    if settings.database_fallback == "restore":
        return "a restore of the database would lose what visitors write"
    stuck = [one for one in pending if not one.reversible]
    if stuck:
        return f"{labels(stuck)} can't be reversed"
    if restores:
        return "a restore of the database would lose what visitors write"
    breaking = breaks_old_code(pending)
    return f"the old code can't live with {', '.join(breaking)}" if breaking else ""


def breaks_old_code(pending: Sequence[Migration]) -> list[str]:
    """The migrations that the version which still serves may not be able to live with."""
    if old_code_can_live_with(operations_of(pending)):
        return []
    alone = [label(one) for one in pending if not old_code_can_live_with(operations_of([one]))]
    return alone or [label(one) for one in pending]


def operations_of(pending: Sequence[Migration]) -> list[Operation]:
    """The operations of migrations, in order."""
    return [operation for one in pending for operation in one.operations]
