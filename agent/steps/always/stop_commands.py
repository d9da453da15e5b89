"""Stop what runs for this deploy."""

from __future__ import annotations

from agent.django import sessions
from agent.host.processes import stop_groups
from agent.inside.lean import dataclass
from agent.restart import background
from agent.service.strays import strays
from agent.steps.kind import Turn, Undo
from agent.transaction.consequences import database_fallback_of, may_have_changed_database
from agent.transaction.step import StepContext
from agent.words.notes import Undone

# How often it is looked for what runs and was never written down: it may start something while it is stopped.
LOOKS = 3


@dataclass(frozen=True)
class Stopped(Undone):
    """The processes that were stopped."""

    stopped: tuple[int, ...] = ()


class StopCommands(Undo):
    """Stop what runs for this deploy."""

    name = "stop commands"
    turn = Turn.STOP
    always = True
    before_the_database = True
    says = "seen: nothing that was started runs any more"
    shape = Stopped

    def do(self, step: StepContext) -> Stopped:
        """Stop what the journal names, and what nobody has lived to write down."""
        written = background.still_running((*step.progress.commands, *step.progress.beside))
        background.keep_words(step.transaction)
        stop_groups(written)
        unwritten = _stop_strays(step)
        if may_have_changed_database(step.progress) and database_fallback_of(step.progress) == "keep":
            # Otherwise right before it is taken back.
            sessions.end_left(step)
        return Stopped(stopped=(*written, *unwritten))


def _stop_strays(step: StepContext) -> list[int]:
    """Stop what nobody has lived to write down, and what that has started while it was looked for."""
    stopped = list[int]()
    for _ in range(LOOKS):
        found = strays(step.transaction.deploy, step.begin.started, step.progress.command_ids)
        if not found:
            break
        stop_groups(found)
        stopped += found
    return stopped
