"""The step that asks the version's own Django what it thinks of itself, and of the database."""

from __future__ import annotations

import json

from agent.database import going_back
from agent.database.choice import better_restored, way_back_of
from agent.django.warm import django_that_stays
from agent.inside import protocol
from agent.restart.mode import decide_restart_mode
from agent.service import startable
from agent.sites.shared import with_others
from agent.steps.build.static import Collected
from agent.steps.kind import BuildStep
from agent.transaction.maintenance import breaks_old_code
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Checked


class Checks(BuildStep):
    """Run Django's checks, read the migrations to come, and decide how the database would go back."""

    name = "checks"
    runs = ("deploy", "build", "revert")
    again = True

    def do(self, step: StepContext) -> Checked:
        """Run Django's checks, read the migrations to come, and decide how the database would go back."""
        if step.begin.kind == "revert":
            return going_back.check(step)
        found = step.note(Collected).checks or django_that_stays(step, protocol.Checks, "checks")
        if found.errors:
            raise StepFailed("Django's system checks found:\n" + "\n".join(found.errors))
        if found.conflicts:
            raise StepFailed("migrations conflict: " + json.dumps(found.conflicts))
        if found.inconsistent:
            raise StepFailed("\n".join(found.inconsistent))
        problems = [*startable.written_inside(step, found.writes), *startable.would_not_start(step)]
        if problems:
            raise StepFailed("the version can't be started as it is:\n" + "\n".join(problems))
        shared = with_others(step.transaction.state, step.settings, version=step.version, databases=found.databases)
        if shared:
            raise StepFailed("the host has other sites:\n" + "\n".join(shared))
        empty = all(one.empty for one in found.databases)
        checked = Checked(
            applied=found.applied,
            pending=found.pending,
            unknown=found.unknown,
            known=found.known,
            replaced=found.replaced,
            databases=found.databases,
            empty=empty,
            code=found.code,
            fallback=way_back_of(step, found.pending, empty),
            restart=decide_restart_mode(step.layout, step.begin.was, step.version),
        )
        return going_back.older_code(
            step, checked, [*_unwritten(found), *_without_restore(step, checked), *startable.without_environment(step)]
        )


def _unwritten(found: protocol.Checks) -> list[str]:
    """What to say of models that no migration has made: where they are asked for, the app fails."""
    changes = "; ".join(found.unwritten)
    return [f"models have what no migration makes (manage.py makemigrations): {changes}"] if changes else []


def _without_restore(step: StepContext, checked: Checked) -> list[str]:
    """What to say of migrations that would better be undone by a restore, where there is no script for it."""
    if checked.fallback != "reverse" or checked.empty:
        return []
    worse = better_restored(step.settings, checked.pending, bool(breaks_old_code(checked.pending)))
    return [f"{why}; restore_script is not set" for why in worse]
