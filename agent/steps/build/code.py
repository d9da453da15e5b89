"""The step that checks out the code."""

from __future__ import annotations

from agent.environment import written
from agent.steps.build.checkout import check_out
from agent.steps.kind import BuildStep
from agent.transaction.step import StepContext
from agent.words.notes import Note


class Code(BuildStep):
    """Check out the code at its commit."""

    name = "code"

    def do(self, step: StepContext) -> Note:
        """Check it out, with submodules and what Git LFS keeps; and write what everything of it is started by."""
        note = check_out(step, "code")
        written.lay_out(step)
        return note
