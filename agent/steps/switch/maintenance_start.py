"""The step that shows visitors the maintenance page."""

from __future__ import annotations

from dataclasses import replace

from agent.host.output import announce
from agent.inside.lean import dataclass
from agent.restart import early
from agent.steps import scripts
from agent.steps.kind import PATIENCE, RunAsKnown, SwitchStep, Turn, Undo
from agent.transaction.consequences import maintenance_is_ours, restores
from agent.transaction.maintenance import Window, decide
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.visitors import served, site
from agent.words.notes import MaintenanceStarted, Undone


@dataclass(frozen=True)
class LetIn(Undone):
    """Whether visitors were seen to get something else than the maintenance page."""

    open: bool = False


class LetVisitorsIn(Undo):
    """Let visitors in again."""

    name = "maintenance"
    turn = Turn.VISITORS
    shape = LetIn
    always = True
    lets_visitors_in = True

    def needed(self, progress: Progress) -> bool:
        """Where this deploy may have left maintenance on."""
        return maintenance_is_ours(progress)

    def do(self, step: StepContext) -> LetIn:
        """Let visitors in again."""
        scripts.run_script(step, "maintenance_stop_script")
        return LetIn(open=site.see_open(step, PATIENCE))


class MaintenanceStart(SwitchStep):
    """Show visitors the maintenance page, if they have to be kept out."""

    name = "maintenance_start"
    script_setting = "maintenance_start_script"
    touches = True
    decides = True
    undos = (LetVisitorsIn(),)

    def idle(self, known: RunAsKnown) -> str:
        """Why visitors are not kept out."""
        return _not_needed(known.window) if known.window else ""

    def noticed(self, progress: Progress) -> bool:
        """Visitors are shut out, if that is needed."""
        return decide(progress).needed

    def do(self, step: StepContext) -> MaintenanceStarted:
        """Run the host's own script, and see what visitors get then."""
        early.begin(step)
        window = decide(step.progress)
        # As long as visitors are let in.
        static = served.before(step)
        if not window.needed:
            return MaintenanceStarted(skipped=_not_needed(window), static_before=static)
        if step.settings.maintenance == "auto":
            announce(f"maintenance_start: a window is needed: {window.why}")
        past_page = restores(step.progress) and site.past_page(step.settings) is None
        before = site.look(step.settings)
        scripts.run_script(step, "maintenance_start_script")
        return replace(site.see_shut(step, before), why=window.why, static_before=static, past_page=past_page)

    def skip(self, why: str) -> None:
        """Nothing yet: which files visitors get is looked at in any case."""


def _not_needed(window: Window) -> str:
    return "" if window.needed else f"no window is needed: {window.why}"
