"""What a fallback has to do: a pure function of the journal, the same for every way in which a deploy can fail."""

from __future__ import annotations

from agent.steps import order
from agent.steps.always.evidence import KeepEvidence
from agent.steps.always.mark import MarkFailed
from agent.steps.always.stop_commands import StopCommands
from agent.steps.kind import Turn, Undo
from agent.steps.switch.health import ProveHealthBefore
from agent.steps.switch.restart import RestartBefore, StopService
from agent.steps.switch.watch import WatchBefore
from agent.transaction.consequences import processes_go_first
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext
from agent.words.notes import Undone
from agent.words.outcomes import OVER, Outcome


class FinishCommit(Undo):
    """Nothing is undone any more: the decision to commit is in the journal, and what follows from it is done."""

    name = "finish commit"
    turn = Turn.STOP

    def do(self, step: StepContext) -> Undone:
        """Whoever carries a plan out sees to it that this is done in the place of all else."""
        raise AssertionError("a commit is finished by agent.runs.finish")


FINISH_COMMIT = FinishCommit()
# What belongs to no step of its own.
IN_ANY_CASE: tuple[Undo, ...] = (StopCommands(), KeepEvidence(), MarkFailed())
# What takes the new version's processes away: by those of the version before, or where there was none.
PROCESSES = (RestartBefore.name, StopService.name)


def undos() -> list[Undo]:
    """All that can be undone, in the order in which it is."""
    of_steps = [undo for kind in reversed(order.STEPS) for undo in kind.undos]
    return sorted([*IN_ANY_CASE, *of_steps], key=lambda undo: undo.turn)


def undo_named(name: str) -> Undo:
    """What the journal has under a name. Raises KeyError."""
    return {undo.name: undo for undo in [*undos(), FINISH_COMMIT]}[name]


def plan_fallback(progress: Progress) -> list[Undo]:
    """Plan what is left to undo, in order; an empty list when the transaction has ended.

    + progress: how far it has come, by its journal

        >>> begun = Begin("deploy", settings={})
        >>> [undo.name for undo in plan_fallback(Progress(begun=begun, started=("code",)))]
        ['stop commands', 'evidence', 'mark']
    """
    if not progress.begun or progress.outcome in OVER:
        return []
    if progress.committed:
        return [FINISH_COMMIT]
    touched, first = order.touched(progress), processes_go_first(progress)
    return [
        undo
        for undo in sorted(undos(), key=lambda undo: (_turn(undo, first), undo.name not in PROCESSES))
        if (touched or not undo.if_touched)
        and undo.needed(progress)
        and (undo.always or undo.name not in progress.undone)
    ]


def _turn(undo: Undo, processes_first: bool) -> Turn:
    return Turn.DATABASE if processes_first and undo.name in PROCESSES else undo.turn


def outcome_of(progress: Progress) -> Outcome:
    """How the transaction ends once every action was tried."""
    if progress.problems:
        return Outcome.NEEDS_A_PERSON
    return Outcome.FELL_BACK if order.touched(progress) else Outcome.REFUSED


def only_health_is_missing(progress: Progress) -> bool:
    """Whether all is back but the proof that the old version is well: that may come without a person."""
    problems = [problem.action for problem in progress.problems]
    return bool(problems) and all(action in (ProveHealthBefore.name, WatchBefore.name) for action in problems)
