"""What a runner does next. Pure: how far a run has come, and what was said to it, in; a move out."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from agent.inside.lean import dataclass
from agent.steps.fallback import only_health_is_missing, plan_fallback, undo_named
from agent.steps.hooks import due_after
from agent.steps.kind import Undo
from agent.transaction.consequences import database_fallback_of, may_have_changed_database, waits_for_primary
from agent.transaction.progress import Progress
from agent.words.outcomes import Outcome

# So often one undo is begun that ends a runner; then it is left out, and a person is told.
TRIES = 3
# So often a runner is started for one way back; then nothing is done but what brings the site up.
STARTS = 10
# What that is.
NEEDED_MOST = ("links", "restart", "maintenance")

# The step that lets visitors in.
LETS_IN = "maintenance_stop"


class Kind(Enum):
    """What a move is about."""

    STEP = "does a step"
    UNDO = "undoes something"
    SKIP = "leaves an undo out"
    GIVE_UP = "gives an undo up, which has ended the runner again and again"
    FALL_BACK = "begins to fall back"
    END_FALLBACK = "ends a fallback"
    COMMIT = "finishes a commit"
    AFTER = "runs what is the project's own, once a run has ended"
    FINISH_END = "frees the host"
    FREE = "frees a host whose deploy never began"
    LOOK_AT_DATABASE = "looks whether the primary host has taken the database back"
    LOOK_ON = "looks whether a site that nobody could get well has become so"
    WAIT = "waits for a word"
    REST = "waits for a person"


@dataclass(frozen=True)
class Move:
    """What comes next; name: of which step or undo."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True)
class Heard:
    """What a run was told, and what its runner has tried.

    + upto: the last step that it may do
    + resumed: why it has to fall back, where another runner has begun it
    + followed: whether a controller was there a moment ago
    + tried: what of the way back was tried by this runner; before_the_app: whether only that is done for now
    """

    upto: str = ""
    resumed: str = ""
    followed: bool = True
    tried: frozenset[str] = frozenset()
    before_the_app: bool = False


def next_move(progress: Progress, heard: Heard) -> Move:
    """What comes next in a run that holds its host."""
    if not progress.begun:
        # No step ever ran without a first line, so there is nothing to undo.
        return Move(Kind.FREE)
    if progress.outcome:
        due = due_after(progress)
        return Move(Kind.AFTER, due) if due else Move(_after_the_end(progress))
    if progress.committed:
        return Move(Kind.COMMIT)
    if progress.falling_back:
        return _way_back(progress, heard)
    if heard.resumed and not progress.all_well:
        return Move(Kind.FALL_BACK, heard.resumed)
    return _forward(progress, heard)


def _after_the_end(progress: Progress) -> Kind:
    if progress.outcome != Outcome.NEEDS_A_PERSON:
        return Kind.FINISH_END
    return Kind.LOOK_ON if only_health_is_missing(progress) else Kind.REST


def _forward(progress: Progress, heard: Heard) -> Move:
    steps = progress.begin.steps
    left = next((name for name in steps if name not in progress.done and name != "commit"), "")
    allowed = steps[: steps.index(heard.upto) + 1] if heard.upto in steps else ()
    if left in allowed and (heard.followed or not _is_point_of_no_restore(progress, left)):
        return Move(Kind.STEP, left)
    return Move(Kind.WAIT, left or "commit")


def _is_point_of_no_restore(progress: Progress, step: str) -> bool:
    """Whether a step lets visitors in, after which a backup that is the way back would lose what they write."""
    return step == LETS_IN and may_have_changed_database(progress) and database_fallback_of(progress) == "restore"


def _way_back(progress: Progress, heard: Heard) -> Move:
    waits = waits_for_primary(progress)
    # What a runner before this one could not undo is tried again, and is in nothing's way until then.
    failed = [undo_named(problem.action) for problem in progress.problems if problem.action in heard.tried]
    keeps_visitors_out = any(undo.keeps_visitors_out for undo in failed)
    stuck = any(undo.holds_up_the_rest for undo in failed)
    for undo in _left(progress, heard.tried):
        if (waits and not undo.before_the_database) or (heard.before_the_app and not undo.before_the_app):
            continue
        if undo.only_if_well and progress.problems:
            # Whatever visitors get, it is not yet what they are to get.
            continue
        if stuck and not undo.even_then:
            # The new version stays linked, so its own schema has to stay with it, and maintenance before it.
            continue
        if keeps_visitors_out and (undo.lets_visitors_in or undo.only_if_open):
            return Move(Kind.SKIP, undo.name)
        hopeless = progress.starts >= STARTS and undo.name not in NEEDED_MOST
        if hopeless or progress.attempts.get(undo.name, 0) >= TRIES:
            return Move(Kind.GIVE_UP, undo.name)
        return Move(Kind.UNDO, undo.name)
    return Move(Kind.LOOK_AT_DATABASE if waits else Kind.END_FALLBACK)


def _left(progress: Progress, tried: Collection[str]) -> list[Undo]:
    return [undo for undo in plan_fallback(progress) if undo.name not in tried]
