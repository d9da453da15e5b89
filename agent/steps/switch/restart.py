"""The step that has the service run the version, and what has it run the one before."""

from __future__ import annotations

from agent.host.output import announce, say
from agent.restart import early, full, rolling
from agent.service import health, verdicts
from agent.service.supervisor_config import Unreadable
from agent.steps.kind import Note, Settings, SwitchStep, Turn, Undo
from agent.text.lines import lines_of
from agent.text.masking import masked_urls
from agent.transaction.consequences import rolls_back
from agent.transaction.maintenance import restart_mode
from agent.transaction.progress import Progress
from agent.transaction.step import Step, StepFailed
from agent.versions.marks import linked_version


class RestartBefore(Undo):
    """Restart the service from the version that was live."""

    name = "restart"
    turn = Turn.PROCESSES
    before_the_database = True
    limit = "restart_timeout"

    def needed(self, progress: Progress) -> bool:
        """Where processes may run from the new version."""
        return _may_run(progress) and not progress.begin.get("bare", False)

    def do(self, step: Step) -> Note:
        """Restart the service from the version that was live."""
        was = linked_version(step.layout, step.layout.path("current_main"))
        note: Note = {"way": "restart"}
        if was and _was_tried(step) and health.app_problem(step.layout, was) is None:
            return {"way": "none", "healthy": was}
        if was and rolls_back(step.progress):
            try:
                return {"way": "rolling", **rolling.take_back(step, was)}
            except (StepFailed, health.Unhealthy, Unreadable) as problem:
                # Short of nothing serving at all, whatever it takes: what the service is like then is proven next.
                note["instead"] = masked_urls(str(problem))
                if _serves(step, was):
                    say(f"not restarted as a whole, since {was} still serves: {note['instead']}")
                    return {**note, "way": "rolling", "serves": was}
        full.restart(step)
        return note

    def says(self, note: Note) -> str:
        """Whether anything had to be restarted."""
        return (
            f"seen: {note['healthy']} serves, nothing was restarted" if note.get("way") == "none" else "undone: restart"
        )


class StopService(Undo):
    """Stop the service: there was no version before this one."""

    name = "stop service"
    turn = Turn.PROCESSES
    before_the_database = True
    limit = "restart_timeout"

    def needed(self, progress: Progress) -> bool:
        """Where it may run, and there is nothing to go back to."""
        return _may_run(progress) and progress.begin.get("bare", False)

    def do(self, step: Step) -> Note:
        """Stop it."""
        full.stop(step)
        return {}

    def says(self, note: Note) -> str:
        """What was done."""
        return "undone: restart, the service is stopped"


class Restart(SwitchStep):
    """Have every process of the service run from the version."""

    name = "restart"
    runs = ("deploy", "revert", "restart")
    blames_version = True
    touches = True
    undos = (RestartBefore(), StopService())

    def limit(self, settings: Settings) -> float:
        """As long as a restart may take, seconds; one process after the other is also watched meanwhile."""
        if settings.get("restart") == "rolling":
            return float(settings["restart_timeout"] + settings["health_timeout"] + settings["health_stable"])
        return float(settings["restart_timeout"])

    def do(self, step: Step) -> Note:
        """Replace processes one by one, or restart the service as a whole."""
        decided = restart_mode(step.progress)
        # Written down before anything is touched: a fallback goes back the same way.
        step.transaction.journal.append("note", step="restart", note={"way": decided["way"]})
        if decided["way"] == "rolling":
            return {"way": "rolling", **rolling.replace_all(step, early.take(step))}
        if decided.get("why"):
            first, *lines = lines_of(str(decided["why"]))
            announce(f"restart: in full, not one process after the other: {first}")
            for line in lines:
                announce(f"restart:   {line}")
        full.restart(step)
        return {"way": "restart"}


def _may_run(progress: Progress) -> bool:
    """Whether processes may run from the new version: a host may have booted with its links, too."""
    return "restart" in progress.started or "boot" in progress.notes


def _was_tried(step: Step) -> bool:
    """Whether this was done before: the app was not well after it."""
    return any(one["event"] == "undo done" and one["action"] == "restart" for one in step.transaction.journal.records())


def _serves(step: Step, version: str) -> bool:
    """Whether a version serves, though not with all of its processes."""
    missing = {one.name for one in verdicts.look(step.layout).ailing}
    return health.app_problem(step.layout, version, known=missing) is None
