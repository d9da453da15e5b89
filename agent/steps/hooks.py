"""The steps at which a project's own commands run: a class for each kind of point, and a name for each point.

What runs there is in the settings (`hooks`). A point has its place in `order.py`, as any step; where the settings have
nothing for it, a run does not have it.
"""

from __future__ import annotations

from agent.project import release
from agent.steps import scripts
from agent.steps.kind import BuildStep, Phase, RunAsKnown, StepKind, SwitchStep
from agent.transaction.maintenance import BY_PRIMARY
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.versions.marks import linked_version
from agent.words.journal import Ended, HookStarted
from agent.words.notes import Note
from agent.words.outcomes import Outcome
from agent.words.settings import Hook as HookSetting
from agent.words.settings import Settings
from agent.words.shapes import Unreadable

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
        return sum(self.limit_of(one, settings) for one in settings.hooks_at(self.name))

    def limit_of(self, hook: HookSetting, settings: Settings) -> float:
        """How long one of its commands may take, seconds."""
        return super().limit(settings) if hook.timeout is None else hook.timeout

    def idle(self, known: RunAsKnown) -> str:
        """Why nothing runs here: it is for the primary host alone."""
        everywhere = [one for one in known.settings.hooks_at(self.name) if not (self.primary or one.primary)]
        return "" if known.primary or everywhere else BY_PRIMARY

    def version(self, step: StepContext) -> str | None:
        """In which version they run."""
        return step.version

    def do(self, step: StepContext) -> Note:
        """Run them, one after the other; the first that fails fails the step."""
        missing = []
        for one in step.settings.hooks_at(self.name):
            if one.primary and not step.begin.primary:
                continue
            if step.begin.kind == "revert" and scripts.is_missing(step, one.run):
                # An older version's code may not have it yet, and must be gone back to all the same.
                missing.append(one.run[0])
                continue
            scripts.run_own(step, one.run, self.limit_of(one, step.settings), self.version(step))
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


class ReleaseHook(PrimaryHook):
    """What the project does with each release, once its database is as the version needs it.

    Besides what the settings have, it is what a Procfile has for it, where the config is made of the code.
    """

    blames_version = True

    def wanted(self, settings: Settings) -> bool:
        """Also where only the build can tell."""
        return super().wanted(settings) or settings.made_config

    def limit(self, settings: Settings) -> float:
        """As long as all of it may take, seconds."""
        return super().limit(settings) + (settings.script_timeout if settings.made_config else 0)

    def idle(self, known: RunAsKnown) -> str:
        """Why nothing runs here: it is for the primary host alone."""
        return "" if known.primary else BY_PRIMARY

    def do(self, step: StepContext) -> Note:
        """Run the project's own, and then those of the settings."""
        try:
            own = release.read(step.layout, step.version)
        except (OSError, Unreadable) as problem:
            raise StepFailed(f"{release.RELEASE} of {step.version} can't be read: {problem}") from None
        for one in own:
            argv, folder = release.started(step.layout, step.version, one)
            scripts.run_own(step, argv, step.settings.script_timeout, folder=folder)
        if not own and not step.settings.hooks_at(self.name):
            return Note(skipped="the project has no release in a Procfile")
        return super().do(step)


class AfterHook(Hook):
    """A point once a run has ended: nothing that it does changes how, so a failure is a warning.

    It runs in the version that is live by then; where none is, in the app's home.
    """

    phase = Phase.AFTER
    runs = ("deploy", "revert", "restart")

    def version(self, step: StepContext) -> str | None:
        """The one that is live."""
        return linked_version(step.layout, step.layout.path("current_main"))


AFTER_COMMIT, AFTER_FALLBACK = AfterHook("after_commit"), AfterHook("after_fallback")
AFTER = (AFTER_COMMIT, AFTER_FALLBACK)


def due_after(progress: Progress) -> str:
    """The point that a run has yet to come to on this host after it has ended; empty where there is none. Pure.

    It is begun once for each ending, and never again: whoever is killed in it may have done what it is for.
    """
    begin, kind = progress.begin, AFTER_COMMIT if progress.outcome is Outcome.COMMITTED else AFTER_FALLBACK
    if progress.outcome is None or begin.kind not in kind.runs or not kind.wanted(begin.settings):
        return ""
    if not (begin.primary or any(not one.primary for one in begin.settings.hooks_at(kind.name))):
        return ""
    last = next((line.says for line in reversed(progress.lines) if isinstance(line.says, (Ended, HookStarted))), None)
    return "" if isinstance(last, HookStarted) else kind.name
