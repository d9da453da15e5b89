"""The step that checks out the config."""

from __future__ import annotations

from agent.steps.build.checkout import check_out
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext
from agent.words.notes import Note


class Config(BuildStep):
    """Check out the config at its commit."""

    name = "config"

    def do(self, step: StepContext) -> Note:
        """Check it out, with submodules and what Git LFS keeps."""
        return check_out(step, "config")
