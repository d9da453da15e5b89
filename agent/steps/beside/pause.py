"""The step that stops whatever writes to the database besides the web, and what starts it again."""

from __future__ import annotations

from dataclasses import replace

from agent.inside.lean import dataclass
from agent.restart import pausing
from agent.steps.beside.schedule import timers_of
from agent.steps.kind import RunAsKnown, SwitchStep, Turn, Undo
from agent.transaction.maintenance import STAYS
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.words.notes import Note, Paused, Undone
from agent.words.settings import Settings


@dataclass(frozen=True)
class Resumed(Undone):
    """What was started again; nothing where a restart had done so."""

    programs: tuple[str, ...] = ()

    def says(self) -> str:
        """What runs again."""
        return f"started again: {', '.join(self.programs)}" if self.programs else "seen: what was paused runs again"


class Resume(Undo):
    """Start again what was stopped, once the database is back: from the version that was live."""

    name = "resume"
    turn = Turn.PROCESSES
    shape = Resumed
    only_if_open = True

    def needed(self, progress: Progress) -> bool:
        """Where anything was, and there is a version to start it from."""
        return bool(progress.note(Paused).programs) and not progress.begin.bare

    def limit(self, settings: Settings) -> float:
        """As long as a restart, seconds."""
        return settings.restart_limit

    def do(self, step: StepContext) -> Resumed:
        """Start what does not run."""
        return Resumed(programs=pausing.resume(step, tuple(step.begin.ailing)))


class Pause(SwitchStep):
    """Stop workers, schedulers and whatever else of the app runs besides the web, while its database is changed.

    It is started again, from the new version, with the restart; where a backup is the way back, once that is well.
    """

    name = "pause"
    touches = True
    # Whoever waits for it is the primary host, at its next step.
    at_once = True
    undos = (Resume(),)

    def limit(self, settings: Settings) -> float:
        """As long as a restart, which has to stop the same, seconds."""
        return settings.restart_limit

    def idle(self, known: RunAsKnown) -> str:
        """Why everything goes on: the database is not changed, or visitors write to it as well."""
        if known.changes_database is False:
            return STAYS
        return "visitors are not kept out either" if known.window and not known.window.needed else ""

    def noticed(self, progress: Progress) -> bool:
        """Visitors are kept out already."""
        return False

    def do(self, step: StepContext) -> Paused:
        """Have systemd start nothing at its time, and supervisord stop what runs."""
        timers, names = timers_of(step), tuple(sorted(timers_of(step).there))
        if names:
            step.transaction.journal.append(step.transaction.noted(Paused(timers=names)))
            timers.stop(names, step.until)
        return replace(pausing.pause(step), timers=names)

    def says(self, note: Note, seconds: float) -> list[str]:
        """What was stopped."""
        if not isinstance(note, Paused) or not (note.programs or note.timers):
            return super().says(note, seconds)
        timers = [f"the {'timer' if len(note.timers) == 1 else 'timers'} of {', '.join(note.timers)}"]
        stopped = [*note.programs, *(timers if note.timers else [])]
        return [f"{self.name}: stopped {', '.join(stopped)} in {seconds} s"]
