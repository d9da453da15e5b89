"""The step that runs the project's own install script."""

from __future__ import annotations

from agent.steps import scripts
from agent.steps.kind import SwitchStep
from agent.transaction.step import StepContext
from agent.words.notes import Note


class InstallScript(SwitchStep):
    """Run the project's own install script, before the app is restarted."""

    name = "install_script"
    runs = ("deploy",)
    script_setting = "install_script"
    optional = True
    blames_version = True
    touches = True

    def do(self, step: StepContext) -> Note:
        """Run it in the version's code."""
        return Note(scripts.run_own_script(step, "install_script"))
