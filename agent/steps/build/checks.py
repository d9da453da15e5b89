"""The step that asks the version's own Django what it thinks of itself, and of the database."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agent.database import going_back
from agent.database.choice import better_restored, way_back_of
from agent.django.warm import django_that_stays
from agent.inside import protocol
from agent.project.filling import OF_THIS_HOST
from agent.restart.mode import decide_restart_mode
from agent.service import startable
from agent.sites.shared import with_others
from agent.steps.build.static import Collected
from agent.steps.kind import BuildStep
from agent.transaction.maintenance import breaks_old_code
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Checked, Note

EACH_ITS_OWN = (
    "the project has no SECRET_KEY but Django's insecure one, and each host would make one of its own: what one has "
    "signed, a session say, no other would know. Give all the same: secrets: [SECRET_KEY] in the settings"
)


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
            raise StepFailed("Django's system checks found errors:\n" + "\n".join(found.errors))
        if found.conflicts:
            raise StepFailed("migrations conflict: " + json.dumps(found.conflicts))
        if found.inconsistent:
            raise StepFailed("\n".join(found.inconsistent))
        if each_its_own(step.begin.hosts, found.filled):
            raise StepFailed(EACH_ITS_OWN)
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
            filled=found.filled,
        )
        return going_back.older_code(
            step, checked, [*_unwritten(found), *_without_restore(step, checked), *startable.without_environment(step)]
        )

    def says(self, note: Note, seconds: float) -> list[str]:
        """That it was done, and what was set of what the project's settings leave open."""
        filled = note.filled if isinstance(note, Checked) else ()
        return [*super().says(note, seconds), *(f"checks: set: {one}" for one in filled)]


def each_its_own(hosts: Sequence[str], filled: Sequence[str]) -> bool:
    """Whether each of several hosts has a SECRET_KEY of its own, by what was set."""
    return len(hosts) > 1 and any(one.startswith(OF_THIS_HOST) for one in filled)


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
