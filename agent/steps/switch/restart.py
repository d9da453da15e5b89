"""The step that has the service run the version, and what has it run the one before."""

from __future__ import annotations

from agent.host.output import announce, emit
from agent.inside.lean import dataclass
from agent.restart import early, full, pausing, rolling
from agent.service import health, verdicts
from agent.service.supervisor_config import Unreadable
from agent.steps.kind import SwitchStep, Turn, Undo
from agent.text.lines import lines_of
from agent.text.masking import masked_urls
from agent.transaction.consequences import rolls_back, stays_paused, watched_shut
from agent.transaction.maintenance import restart_mode
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.versions.marks import linked_version
from agent.words.journal import UndoDone
from agent.words.notes import Restarted, Undone
from agent.words.settings import Settings


@dataclass(frozen=True)
class RestartedBefore(Undone):
    """The version that serves, where nothing had to be restarted; and why not one process after the other."""

    healthy: str = ""
    instead: str = ""

    def says(self) -> str:
        """Whether anything had to be restarted."""
        return f"seen: {self.healthy} serves, nothing was restarted" if self.healthy else ""


class RestartBefore(Undo):
    """Restart the service from the version that was live."""

    name = "restart"
    turn = Turn.PROCESSES
    shape = RestartedBefore
    before_the_database = True

    def needed(self, progress: Progress) -> bool:
        """Where processes may run from the new version."""
        return _may_run(progress) and not progress.begin.bare

    def limit(self, settings: Settings) -> float:
        """As long as a restart, seconds."""
        return settings.restart_limit

    def do(self, step: StepContext) -> RestartedBefore:
        """Restart the service from the version that was live; what else writes stays stopped as long as it has to."""
        waits = stays_paused(step.progress)
        if waits:
            pausing.stop_again(step)
        done = self._restart(step)
        if waits:
            # supervisord itself starts it with all else.
            pausing.stop_again(step)
        return done

    def _restart(self, step: StepContext) -> RestartedBefore:
        was = linked_version(step.layout, step.layout.path("current_main"))
        instead = ""
        if was and _was_tried(step) and health.app_problem(step.layout, was) is None:
            return RestartedBefore(healthy=was)
        if was and rolls_back(step.progress):
            try:
                rolling.take_back(step, was)
                return RestartedBefore()
            except (StepFailed, health.Unhealthy, Unreadable) as problem:
                # Short of nothing serving at all, whatever it takes: what the service is like then is proven next.
                instead = masked_urls(str(problem))
                if _serves(step, was):
                    emit(f"not restarted as a whole, since {was} still serves: {instead}")
                    return RestartedBefore(instead=instead)
        full.restart(step)
        return RestartedBefore(instead=instead)


class StopService(Undo):
    """Stop the service: there was no version before this one."""

    name = "stop service"
    turn = Turn.PROCESSES
    says = "undone: restart, the service is stopped"
    before_the_database = True

    def needed(self, progress: Progress) -> bool:
        """Where it may run, and there is nothing to go back to."""
        return _may_run(progress) and progress.begin.bare

    def limit(self, settings: Settings) -> float:
        """As long as a restart, seconds."""
        return settings.restart_limit

    def do(self, step: StepContext) -> Undone:
        """Stop it."""
        full.stop(step)
        return Undone()


class Restart(SwitchStep):
    """Have every process of the service run from the version."""

    name = "restart"
    runs = ("deploy", "revert", "restart")
    blames_version = True
    touches = True
    undos = (RestartBefore(), StopService())

    def limit(self, settings: Settings) -> float:
        """As long as a restart may take, seconds; one process after the other is also watched meanwhile."""
        if settings.restart == "rolling":
            return settings.restart_limit + settings.health_timeout + settings.health_stable
        return settings.restart_limit

    def do(self, step: StepContext) -> Restarted:
        """Replace processes one by one, or restart the service as a whole.

        What else writes to the database is started with it; but where a backup is the way back, only once the new
        version is well.
        """
        done = self._restart(step)
        if watched_shut(step.progress):
            # supervisord itself starts it with all else, or with what its config has anew.
            pausing.stop_again(step)
        return done

    def _restart(self, step: StepContext) -> Restarted:
        decided = restart_mode(step.progress)
        # Written down before anything is touched: a fallback goes back the same way.
        step.transaction.journal.append(step.transaction.noted(Restarted(mode=decided.mode)))
        if decided.rolls:
            rolling.replace_all(step, early.take(step))
            return Restarted(mode=decided.mode)
        if decided.why:
            first, *lines = lines_of(decided.why)
            announce(f"restart: in full, not one process after the other: {first}")
            for line in lines:
                announce(f"restart:   {line}")
        full.restart(step)
        return Restarted(mode="restart")


def _may_run(progress: Progress) -> bool:
    """Whether processes may run from the new version: a host may have booted with its links, too."""
    return "restart" in progress.started or "boot" in progress.notes


def _was_tried(step: StepContext) -> bool:
    """Whether this was done before: the app was not well after it."""
    return any(isinstance(line.says, UndoDone) and line.says.action == "restart" for line in step.progress.lines)


def _serves(step: StepContext, version: str) -> bool:
    """Whether a version serves, though not with all of its processes."""
    missing = {one.name for one in verdicts.look(step.layout).ailing}
    return health.app_problem(step.layout, version, known=missing) is None
