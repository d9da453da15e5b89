"""Whether maintenance is shown while a run goes on, and why: as the host will decide."""

from __future__ import annotations

from agent.transaction.maintenance import TAKEN_BACK, no_visitors, window
from agent.words.seen import RestartMode
from switchback.plan.database import breaking, changes_database, fallback_of_migrations, shutting
from switchback.plan.model import Window
from switchback.plan.parts import Migrations
from switchback.runs.run import Run

KNOWN_WHEN_BUILT = "only if what is migrated needs one, which is known when built"


def window_of(run: Run, migrations: Migrations | None, mode: RestartMode | None) -> Window | None:
    """The maintenance window of a run; None for a run that has none."""
    if "maintenance_start" not in run.steps:
        return None
    if run.settings.maintenance == "always":
        return Window(shown=True, why="maintenance: always")
    changes = changes_database(run, migrations)
    host = window(run.settings.for_host(), mode, _why_shut(run, migrations) if changes else None)
    if changes is None and not host.needed:
        return Window(shown=None, why=f"maintenance: auto; {KNOWN_WHEN_BUILT}")
    return Window(shown=host.needed, why=f"maintenance: auto, and {host.why}")


def _why_shut(run: Run, migrations: Migrations | None) -> str:
    """Why visitors must not be in while the database is changed; empty when they may be."""
    if run.kind == "revert" or migrations is None:
        return TAKEN_BACK
    stuck = [one.label for one in migrations.pending if not one.reversible]
    restores = fallback_of_migrations(run, migrations)[0].way == "restore"
    return no_visitors(run.settings.for_host(), stuck, breaking(migrations), shutting(migrations), restores)
