"""The step that lets visitors in."""

from __future__ import annotations

from agent.steps import scripts
from agent.steps.kind import RunAsKnown, SwitchStep
from agent.transaction.step import StepContext
from agent.visitors import site
from agent.words.settings import Settings


class MaintenanceStop(SwitchStep):
    """Let visitors in again."""

    name = "maintenance_stop"
    script_setting = "maintenance_stop_script"
    touches = True

    def limit(self, settings: Settings) -> float:
        """As long as the script and the look at the site may take, seconds."""
        return settings.site_timeout + settings.script_timeout

    def idle(self, known: RunAsKnown) -> str:
        """Why nobody has to be let in."""
        return "maintenance was not started" if known.window and not known.window.needed else ""

    def do(self, step: StepContext) -> site.Opened:
        """Run the host's own script, and see what visitors get then."""
        scripts.run_script(step, "maintenance_stop_script")
        return site.Opened(open=site.see_open(step))
