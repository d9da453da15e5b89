"""The steps at which a project's own commands run: a class for each kind of point, and a name for each point.

What runs there is in the settings (`hooks`). A point has its place in `order.py`, as any step; where the settings have
nothing for it, a run does not have it.
"""

from __future__ import annotations

from agent.steps import scripts
from agent.steps.kind import BuildStep, RunAsKnown, StepKind, SwitchStep
from agent.transaction.maintenance import BY_PRIMARY
from agent.transaction.step import StepContext
from agent.words.notes import Note
from agent.words.settings import Settings

NOTHING_TO_MIGRATE = "nothing to migrate"


class Hook(StepKind):
    """Run what the settings have at one point of a run, as the app, in the version's own environment.

    + primary: whether only the primary host has it, whatever the settings say
    """

    optional = True
    primary = False

    def __init__(self, point: str) -> None:
        self.name = point

    def wanted(self, settings: Settings) -> bool:
        """Where the settings have something for this point that runs on a host."""
        return bool(settings.hooks_at(self.name))

    def limit(self, settings: Settings) -> float:
        """As long as all of its commands may take, one after the other, seconds."""
        usual = super().limit(settings)
        return sum(usual if one.timeout is None else one.timeout for one in settings.hooks_at(self.name))

    def idle(self, known: RunAsKnown) -> str:
        """Why nothing runs here: it is for the primary host alone."""
        everywhere = [one for one in known.settings.hooks_at(self.name) if not (self.primary or one.primary)]
        return "" if known.primary or everywhere else BY_PRIMARY

    def do(self, step: StepContext) -> Note:
        """Run them, one after the other; the first that fails fails the step."""
        usual = super().limit(step.settings)
        missing = []
        for one in step.settings.hooks_at(self.name):
            if one.primary and not step.begin.primary:
                continue
            if step.begin.kind == "revert" and scripts.is_missing(step, one.run):
                # An older version's code may not have it yet, and must be gone back to all the same.
                missing.append(one.run[0])
                continue
            scripts.run_own(step, one.run, usual if one.timeout is None else one.timeout)
        return Note(warning=f"not in {step.version}'s code: {', '.join(missing)}" if missing else "")


class BuildHook(Hook, BuildStep):
    """A point of the build: what fails there is the version's, and nothing live was touched."""


class SwitchHook(Hook, SwitchStep):
    """A point from the window on: what its commands do may be seen on the live site, so a failure is a way back."""

    touches = True
    blames_version = True


class PrimaryHook(SwitchHook):
    """One that belongs to the database, for which the primary host acts for all of them."""

    runs = ("deploy",)
    primary = True
    blames_version = False


class MigrationHook(PrimaryHook):
    """One that is there where something is migrated."""

    blames_version = True

    def idle(self, known: RunAsKnown) -> str:
        """Why nothing runs here."""
        return super().idle(known) or (NOTHING_TO_MIGRATE if known.changes_database is False else "")
