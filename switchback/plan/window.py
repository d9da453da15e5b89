"""Whether maintenance is shown while a run goes on, and why: as the host will decide."""

from __future__ import annotations

from agent.text.lines import first_line
from agent.words.seen import RestartMode
from switchback.plan.database import breaking, changes_database, fallback_of_migrations
from switchback.plan.model import Migrations, Window
from switchback.runs.run import Run


def window_of(run: Run, migrations: Migrations | None, way: RestartMode | None) -> Window | None:
    """The maintenance window of a run; None for a run that has none."""
    if "maintenance_start" not in run.steps:
        return None
    if run.settings.maintenance == "always":
        return Window(shown=True, why="maintenance: always")
    if run.settings.restart == "rolling" and way and way.interrupts:
        return Window(shown=True, why=f"maintenance: auto, and {first_line(way.why).rstrip(':')}")
    changes = changes_database(run, migrations)
    if changes is None:
        return Window(
            shown=None, why="maintenance: auto; only if what is migrated needs one, which is known when built"
        )
    if not changes:
        return Window(shown=False, why="maintenance: auto, and nothing is migrated")
    why = _needs_window(run, migrations)
    return Window(shown=bool(why), why=f"maintenance: auto, and {why or 'the old code can live with every migration'}")


def _needs_window(run: Run, migrations: Migrations | None) -> str:
    """Why visitors must not be in while the database is changed; empty when they may be. As the agent will decide."""
    if run.kind == "revert" or migrations is None:
        return "the database is taken back"
    if run.settings.database_fallback == "restore":
        return "a restore of the database would lose what visitors write"
    stuck = [one.label for one in migrations.pending if not one.reversible]
    if stuck:
        return f"{', '.join(stuck)} can't be reversed"
    if run.settings.database_fallback == "reverse" and fallback_of_migrations(run, migrations)[0].way == "restore":
        return "a restore of the database would lose what visitors write"
    broken = breaking(migrations)
    return f"the old code can't live with {', '.join(broken)}" if broken else ""
