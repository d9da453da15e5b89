"""The step that brings the config: of its own repository, or made of the project as it is."""

from __future__ import annotations

from agent.host.output import emit
from agent.project import generate
from agent.project.found import NotFound
from agent.steps.build.checkout import check_out
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Note


class Config(BuildStep):
    """Check out the config at its commit; without a repository of its own, make it of the code and the settings."""

    name = "config"

    def do(self, step: StepContext) -> Note:
        """Check it out, with submodules and what Git LFS keeps; or write it."""
        if step.begin.config:
            return check_out(step, "config")
        if not step.begin.code:
            raise StepFailed("nobody has said which commit of the code is wanted")
        layout, mirror = step.layout, step.layout.own / "code.git"
        try:
            project = generate.project_of(step.runner(layout.app), layout, mirror, step.begin.code.sha)
        except NotFound as problem:
            raise StepFailed(str(problem)) from None
        for line in project.found:
            emit(f"config: found: {line}")
        generate.write_config(layout, project, layout.part(step.version, "config"), step.begin.single)
        generate.keep_secret_key(layout)
        return Note()
