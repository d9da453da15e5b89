"""The step that asks the version's own Django what it thinks of itself, and of the database."""

from __future__ import annotations

import json
from dataclasses import asdict

from agent.database import going_back
from agent.database.choice import better_restored, way_back_of
from agent.django.warm import django_that_stays
from agent.restart.mode import decide_restart_mode
from agent.service import startable
from agent.steps.kind import BuildStep, Note
from agent.transaction.maintenance import breaks_old_code
from agent.transaction.step import Step, StepFailed


class Checks(BuildStep):
    """Run Django's checks, read the migrations to come, and decide how the database would go back."""

    name = "checks"
    runs = ("deploy", "build", "revert")
    again = True

    def do(self, step: Step) -> Note:
        """Run Django's checks, read the migrations to come, and decide how the database would go back."""
        if step.begin["kind"] == "revert":
            return going_back.check(step)
        found = step.notes("static").get("checks") or django_that_stays(step, "checks")
        if found["errors"]:
            raise StepFailed("Django's system checks found:\n" + "\n".join(found["errors"]))
        if found["conflicts"]:
            raise StepFailed("migrations conflict: " + json.dumps(found["conflicts"]))
        if found["inconsistent"]:
            raise StepFailed("\n".join(found["inconsistent"]))
        problems = [*startable.written_inside(step, found.pop("writes", {})), *startable.would_not_start(step)]
        if problems:
            raise StepFailed("the version can't be started as it is:\n" + "\n".join(problems))
        found["empty"] = all(one["empty"] for one in found["databases"])
        found["fallback"] = way_back_of(step, found["pending"], found["empty"])
        found.update(going_back.older_code(step, found, [*_unwritten(found), *_without_restore(step, found)]))
        found["restart"] = asdict(decide_restart_mode(step.layout, step.begin.get("was"), step.version))
        return found


def _unwritten(found: Note) -> list[str]:
    """What to say of models that no migration has made: where they are asked for, the app fails."""
    changes = found.get("unwritten") or []
    return [f"models have what no migration makes (manage.py makemigrations): {'; '.join(changes)}"] if changes else []


def _without_restore(step: Step, found: Note) -> list[str]:
    """What to say of migrations that would better be undone by a restore, where there is no script for it."""
    if found["fallback"] != "reverse" or found["empty"]:
        return []
    worse = better_restored(step.settings, found["pending"], bool(breaks_old_code(found["pending"])))
    return [f"{why}; restore_script is not set" for why in worse]
