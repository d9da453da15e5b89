"""The step that watches whether the app stays well while it serves visitors, and what watches the version before."""

from __future__ import annotations

from agent.inside.lean import dataclass
from agent.service import health
from agent.steps.kind import PATIENCE, RunAsKnown, SwitchStep, Turn, Undo
from agent.steps.switch.health import HealthSeen, Proven
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.words.notes import Note, Undone
from agent.words.settings import Settings


@dataclass(frozen=True)
class Watched(Undone):
    """Whether nobody has watched the version of before, since it was not well before either."""

    left: bool = False

    def says(self) -> str:
        """How it went."""
        return "seen: the version before is not watched" if self.left else "seen: the version before stays well"


class WatchBefore(Undo):
    """Watch whether the version that was live stays well, with visitors served."""

    name = "watch"
    turn = Turn.WATCH
    always = True
    if_touched = True
    only_if_well = True
    shape = Watched
    looks = "see that the version before stays well"

    def needed(self, progress: Progress) -> bool:
        """Where there was a version before."""
        return not progress.begin.bare

    def do(self, step: StepContext) -> Watched:
        """Watch it with patience, where it was well before."""
        left = bool(step.progress.undid("health", HealthSeen).unhealthy)
        if not left:
            health.watch(step.layout, str(step.begin.was), patience=PATIENCE, known=step.begin.ailing)
        return Watched(left=left)


class Watch(SwitchStep):
    """Watch whether the app stays well, with visitors served."""

    name = "watch"
    runs = ("deploy", "revert", "restart")
    blames_version = True
    touches = True
    undos = (WatchBefore(),)

    def limit(self, settings: Settings) -> float:
        """As long as it is watched, and a little, seconds."""
        return settings.health_stable + 30

    def idle(self, known: RunAsKnown) -> str:
        """Why nobody has to: it was watched before."""
        if not known.settings.health_stable:
            return "health_stable is 0"
        if known.rolls:
            return "watched while its processes were replaced"
        return "watched before visitors were let in: after that no backup is restored" if known.watched_shut else ""

    def do(self, step: StepContext) -> Note:
        """See to it that no process ends, and that it answers well."""
        health.watch(step.layout, step.version, since=step.note(Proven).well_at)
        return Note()
