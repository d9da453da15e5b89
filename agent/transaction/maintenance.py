"""Whether a run needs a maintenance window, and what is said of it. Pure: a journal in, answers out."""

from __future__ import annotations

from collections.abc import Sequence

from agent.inside.lean import dataclass
from agent.inside.protocol import Migration, Operation
from agent.migrations.names import label
from agent.migrations.risk import keeps_writers_out, old_code_can_live_with
from agent.text.lines import first_line
from agent.transaction.progress import Progress
from agent.words.notes import Checked
from agent.words.seen import RestartMode
from agent.words.settings import Settings

STAYS = "the database stays as it is"
BY_PRIMARY = "done by the primary host"
NO_DATABASE = "the project has no database"

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

# Why visitors must not be in while a revert changes the database.
TAKEN_BACK = "the database is taken back"


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


def has_no_database(progress: Progress) -> bool:
    """Whether the project uses no database, as far as its checks have told."""
    checked = progress.note(Checked)
    return checked.applied is not None and not checked.databases


def decide(progress: Progress) -> Window:
    """Decide whether there is a window.

    + progress: the journal up to the checks
    """
    settings, checked = progress.begin.settings, progress.note(Checked)
    stuck, breaking = [label(one) for one in checked.pending if not one.reversible], breaks_old_code(checked.pending)
    why_shut = no_visitors(settings, stuck, breaking, _shutting(checked.pending), checked.fallback == "restore")
    if progress.begin.kind == "revert":
        why_shut = TAKEN_BACK
    return window(settings, restart_mode(progress), why_shut if changes_database(progress) else None)


def window(settings: Settings, mode: RestartMode | None, why_shut: str | None) -> Window:
    """The same, of what is known of a run.

    + why_shut: why visitors must not be in while the database is changed, as `no_visitors` has it; None where it is not
    """
    if settings.maintenance != "auto":
        return Window(True, "the settings say maintenance: always")
    if settings.restart == "rolling" and mode and mode.interrupts:
        return Window(True, first_line(mode.why or "the service restarts as a whole").rstrip(":"))
    if why_shut is None:
        return Window(False, "nothing is migrated")
    return Window(bool(why_shut), why_shut or "the old code can live with every migration")


def no_visitors(
    settings: Settings, stuck: Sequence[str], breaking: Sequence[str], shutting: Sequence[str], restores: bool
) -> str:
    """Why visitors must not be in while migrations run; empty when they may be.

    + stuck: those that can't be reversed; breaking: those that the old code may not be able to live with
    + shutting: those that keep all else from writing to the database
    + restores: whether a backup is the way back
    """
    if settings.database_fallback == "restore":
        return "a restore of the database would lose what visitors write"
    if stuck:
        return f"{', '.join(stuck)} can't be reversed"
    if restores:
        return "a restore of the database would lose what visitors write"
    if breaking:
        return f"the old code can't live with {', '.join(breaking)}"
    return f"nobody else can write to the database during {', '.join(shutting)}" if shutting else ""


def breaks_old_code(pending: Sequence[Migration]) -> list[str]:
    """The migrations that the version which still serves may not be able to live with."""
    if old_code_can_live_with(operations_of(pending)):
        return []
    return [label(one) for one in pending if not old_code_can_live_with(operations_of([one]))]


def _shutting(pending: Sequence[Migration]) -> list[str]:
    """The migrations during which nobody else can write to the database."""
    if not keeps_writers_out(operations_of(pending)):
        return []
    return [label(one) for one in pending if keeps_writers_out(operations_of([one]))]


def operations_of(pending: Sequence[Migration]) -> list[Operation]:
    """The operations of migrations, in order."""
    return [operation for one in pending for operation in one.operations]
