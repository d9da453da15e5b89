"""Stop what runs for this deploy."""

from __future__ import annotations

from agent.django import sessions
from agent.restart import background
from agent.steps.kind import Turn, Undo
from agent.transaction.consequences import database_fallback_of, may_have_changed_database
from agent.transaction.step import StepContext
from agent.words.notes import Undone


class StopCommands(Undo):
    """Stop what runs for this deploy: its processes ended with their workers, what they ask of a database did not."""

    name = "stop commands"
    turn = Turn.STOP
    always = True
    before_the_database = True
    tidies = True
    says = "seen: nothing that was started runs any more"

    def do(self, step: StepContext) -> Undone:
        """End what the database still does for them."""
        background.keep_words(step.transaction)
        if may_have_changed_database(step.progress) and database_fallback_of(step.progress) == "keep":
            # Otherwise right before it is taken back.
            sessions.end_left(step)
        return Undone()
