"""The step that has the host run at times what the version wants, and what has it run what the one before wants."""

from __future__ import annotations

from agent.inside.lean import dataclass
from agent.schedule.timers import Timers
from agent.steps.kind import RunAsKnown, SwitchStep, Turn, Undo
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.words.notes import Note, Paused, Undone
from agent.words.settings import Timed


def timers_of(step: StepContext) -> Timers:
    """The timers of the step's site."""
    return Timers(step.transaction.state, step.layout, step.begin.single)


@dataclass(frozen=True)
class Scheduled(Note):
    """What runs at times now, by name, each with when."""

    timed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScheduledBefore(Undone):
    """The same once it was taken back."""

    timed: tuple[str, ...] = ()

    def says(self) -> str:
        """What runs at times again."""
        return f"undone: schedule, it is {', '.join(self.timed) or 'nothing'} again"


class ScheduleBefore(Undo):
    """Have the host run at times what the version that was live wants."""

    name = "schedule"
    turn = Turn.HEALTH
    shape = ScheduledBefore
    only_if_open = True

    def needed(self, progress: Progress) -> bool:
        """Where that may be something else, or was paused."""
        begun = "schedule" in progress.started and not progress.skipped("schedule")
        return begun or bool(progress.note(Paused).timers)

    def do(self, step: StepContext) -> ScheduledBefore:
        """Bring the timers to it, and start them."""
        return ScheduledBefore(timed=told(timers_of(step).apply(step.begin.was)))


class Schedule(SwitchStep):
    """Have the host run at times what the version wants, from the version that is live when the time comes."""

    name = "schedule"
    touches = True
    # What one host does at its times is nothing to another.
    at_once = True
    undos = (ScheduleBefore(),)

    def idle(self, known: RunAsKnown) -> str:
        """Why there is nothing to do."""
        return "nothing runs at times" if known.timed is False else ""

    def noticed(self, progress: Progress) -> bool:
        """No visitor does."""
        return False

    def do(self, step: StepContext) -> Scheduled:
        """Bring the timers to it, and start them."""
        return Scheduled(timed=told(timers_of(step).apply(step.version)))

    def says(self, note: Note, seconds: float) -> list[str]:
        """What runs at times."""
        if note.skipped or not isinstance(note, Scheduled):
            return super().says(note, seconds)
        return [f"{self.name}: {', '.join(note.timed) or 'nothing runs at times any more'}"]


def told(wanted: dict[str, Timed]) -> tuple[str, ...]:
    """What runs at times, as a person reads it."""
    return tuple(f"{name} {one.says}" for name, one in wanted.items())
