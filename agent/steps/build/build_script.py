"""The step that runs the project's own build script."""

from __future__ import annotations

from agent.host.users import acting_as
from agent.steps import scripts
from agent.steps.kind import BuildStep, Note
from agent.transaction.step import Step
from agent.versions import packages


class BuildScript(BuildStep):
    """Run the project's own build script in the new version."""

    name = "build_script"
    script_setting = "build_script"
    optional = True

    def do(self, step: Step) -> Note:
        """Run the project's own build script in the new version, and see which packages it installs."""
        folder = step.layout.part(step.version, "venv")
        with acting_as(step.layout.app):
            before = packages.installed(folder)
        note = scripts.run_own_script(step, "build_script")
        if "script" not in note:
            return note
        with acting_as(step.layout.app):
            after = packages.installed(folder)
        return {**note, "installed": sorted(name for name in after if before.get(name) != after[name])}
