"""The step that proves that the app is well, and what proves it of the version before."""

from __future__ import annotations

import time
from typing import ClassVar

from agent.inside.lean import dataclass
from agent.restart import pausing
from agent.service import health, verdicts
from agent.steps.kind import PATIENCE, SwitchStep, Turn, Undo
from agent.text.lines import first_line
from agent.transaction.consequences import watched_shut
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.versions.marks import linked_version
from agent.visitors import site
from agent.words.notes import Note, Restarted, Undone
from agent.words.settings import Settings


@dataclass(frozen=True)
class HealthSeen(Undone):
    """How the version of before is.

    + unhealthy: why it is not well, as it was not before; as_before: what of it is not, as before
    """

    version: str = "the version before"
    unhealthy: str = ""
    as_before: tuple[str, ...] = ()

    def says(self) -> str:
        """Whether it is well."""
        return f"seen: {self.version} is {'not healthy, as before' if self.unhealthy else 'healthy'}"


class ProveHealthBefore(Undo):
    """Prove that the version that was live is well again."""

    name = "health"
    turn = Turn.HEALTH
    always = True
    if_touched = True
    shape = HealthSeen
    looks = "prove that the version before is healthy"

    def needed(self, progress: Progress) -> bool:
        """Where there was a version before."""
        return not progress.begin.bare

    def do(self, step: StepContext) -> HealthSeen:
        """Ask it until it is well: with patience, where it was well before."""
        was = linked_version(step.layout, step.layout.path("current_main"))
        if was is None:
            raise StepFailed("there is no current version")
        was_well, known = step.begin.healthy_before is not False, step.begin.ailing
        try:
            health.prove_healthy(step.layout, was, patience=PATIENCE if was_well else 1, known=known)
        except health.Unhealthy as problem:
            if was_well:
                raise
            return HealthSeen(version=was, unhealthy=f"as before the deploy: {first_line(str(problem))}")
        still = tuple(str(one) for one in verdicts.look(step.layout).ailing if one.name in known)
        return HealthSeen(version=was, as_before=still)


@dataclass(frozen=True)
class Proven(Note):
    """When the app was first well, in seconds since the host has booted; 0 where nobody says."""

    step: ClassVar[str] = "health"
    well_at: float = 0.0


class Health(SwitchStep):
    """Prove that the app answers, from the version: then visitors may come in."""

    name = "health"
    runs = ("deploy", "revert", "restart")
    blames_version = True
    touches = True
    undos = (ProveHealthBefore(),)

    def limit(self, settings: Settings) -> float:
        """As long as the app may take to be well, and to prove that it stays so, seconds."""
        return 2 * settings.health_timeout + settings.health_stable + 30

    def do(self, step: StepContext) -> Proven:
        """Ask until it is well; and, where no backup is restored once visitors are in, all that is asked after that."""
        warning = health.prove_healthy(step.layout, step.version)
        well_at = time.clock_gettime(time.CLOCK_BOOTTIME)
        if watched_shut(step.progress):
            site.prove_past_page(step)
            if step.note(Restarted).mode != "rolling":
                health.watch(step.layout, step.version)
            # As late as can be: what it writes is in no backup.
            pausing.start_new(step)
        return Proven(warning=warning, well_at=well_at)
