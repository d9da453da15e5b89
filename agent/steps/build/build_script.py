"""The step that runs the project's own build script."""

from __future__ import annotations

from typing import ClassVar

from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.packages.installed import installed as packages_in
from agent.steps import scripts
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext
from agent.words.notes import Note


@dataclass(frozen=True)
class BuildScriptRun(Note):
    """Whether the script has run, and the packages that it has installed."""

    step: ClassVar[str] = "build_script"
    ran: bool = False
    installed: tuple[str, ...] = ()


class BuildScript(BuildStep):
    """Run the project's own build script in the new version."""

    name = "build_script"
    script_setting = "build_script"
    optional = True

    def do(self, step: StepContext) -> BuildScriptRun:
        """Run the project's own build script in the new version, and see which packages it installs."""
        folder = step.layout.part(step.version, "venv")
        with acting_as(step.layout.app):
            before = packages_in(folder)
        skipped = scripts.run_own_script(step, "build_script")
        if skipped:
            return BuildScriptRun(skipped)
        with acting_as(step.layout.app):
            after = packages_in(folder)
        installed = tuple(sorted(name for name in after if before.get(name) != after[name]))
        return BuildScriptRun(ran=True, installed=installed)
