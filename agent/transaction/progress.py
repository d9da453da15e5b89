"""How far a deploy has come, read from its journal. Pure: lines in, answers out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from functools import singledispatch
from typing import TypeVar, cast

from agent.inside.lean import dataclass
from agent.words import journal
from agent.words.notes import BackedUp, BackedUpBefore, Note, SchemaSeen, Undone
from agent.words.outcomes import Cause, Outcome
from agent.words.shapes import Unreadable, read

T = TypeVar("T")
N = TypeVar("N", bound=Note)
U = TypeVar("U", bound=Undone)


@dataclass(frozen=True)
class Progress:
    """One deploy's state, from its journal.

    + lines: the journal; begun: its first line; None where it was killed before that
    + notes: what steps have found out; seen: what undos have done or seen, and have not failed to since; as written
    + all_well: whether it was told that all hosts are well; starts: of runners on the way back
    + unasked: whether it has committed though its controller was silent
    + attempts: how often an undo was begun and did not end, by its name
    + parsed: the notes that somebody has asked for; cause: whose doing it was that it fell back first
    """

    lines: tuple[journal.Line, ...] = ()
    begun: journal.Begin | None = None
    started: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    notes: Mapping[str, journal.Written] = field(default_factory=dict)
    failed: str | None = None
    no_lock: bool = False
    reason: str | None = None
    cause: Cause = Cause.ITSELF
    all_well: bool = False
    starts: int = 0
    attempts: Mapping[str, int] = field(default_factory=dict)
    undone: tuple[str, ...] = ()
    seen: Mapping[str, journal.Written] = field(default_factory=dict)
    problems: tuple[journal.UndoFailed, ...] = ()
    falling_back: bool = False
    fallback_at: float = 0.0
    database_is_back: bool = False
    committed: bool = False
    unasked: bool = False
    ended: journal.Ended | None = None
    parsed: dict[tuple[str, type], Note] = field(default_factory=dict, compare=False, repr=False)

    @property
    def begin(self) -> journal.Begin:
        """What it has begun with. Raises JournalUnreadable where the journal does not say."""
        if self.begun is None:
            raise journal.JournalUnreadable("the journal does not say what the deploy has begun with")
        return self.begun

    @property
    def outcome(self) -> Outcome | None:
        """How it has ended."""
        return self.ended.outcome if self.ended else None

    @property
    def step(self) -> str:
        """The last step that was started; `begin` before the first."""
        return self.started[-1] if self.started else "begin"

    @property
    def in_step(self) -> bool:
        """Whether a step was started and has not ended."""
        return bool(self.started) and self.failed is None and self.started[-1] not in self.done

    @property
    def whereabouts(self) -> str:
        """How far it has come, in the words of what interrupts it: `during swap`, or `after swap`."""
        return f"{'during' if self.in_step or not self.started else 'after'} {self.step}"

    @property
    def backup(self) -> BackedUp | None:
        """The backup that this deploy has taken; None while there is none."""
        return next((note for note in (self.note(BackedUp), self.note(BackedUpBefore)) if note.path), None)

    def note(self, shape: type[N]) -> N:
        """What a step has found out, by the note's shape. Raises JournalUnreadable."""
        return self.note_of(shape.step, shape)

    def note_of(self, step: str, shape: type[N]) -> N:
        """The same of one of several steps whose notes have that shape."""
        if (step, shape) not in self.parsed:
            self.parsed[step, shape] = _as(shape, self.notes.get(step, {}), step)
        return cast("N", self.parsed[step, shape])

    def skipped(self, step: str) -> str:
        """Why a step had nothing to do."""
        return self.note_of(step, Note).skipped

    def undid(self, action: str, shape: type[U]) -> U:
        """What an undo has done or seen, by the note's shape. Raises JournalUnreadable."""
        return _as(shape, self.seen.get(action, {}), action)

    @property
    def saw_change(self) -> bool:
        """Whether this host has seen the database as the new version needs it, while it waited for the primary host."""
        return self.note(SchemaSeen).changed


def _as(shape: type[T], note: journal.Written, whose: str) -> T:
    try:
        return read(shape, note, whose)
    except Unreadable as problem:
        raise journal.JournalUnreadable(f"the journal has a note that can't be read: {problem}") from None


def read_progress(lines: Iterable[journal.Line], so_far: Progress | None = None) -> Progress:
    """Read how far a deploy has come.

    + lines: the journal's, oldest first; any prefix of a real journal is a real state
    + so_far: how far it had come by the lines before
    """
    told, progress = list(lines), so_far or Progress()
    for line in told:
        progress = _after(line.says, line.at, progress)
    return replace(progress, lines=(*progress.lines, *told))


@singledispatch
def _after(event: object, at: float, before: Progress) -> Progress:
    """How far it has come after what a line says."""
    return before


@_after.register
def _(event: journal.Begin, at: float, before: Progress) -> Progress:
    return replace(before, begun=event)


@_after.register
def _(event: journal.StepStarted, at: float, before: Progress) -> Progress:
    return replace(before, started=(*before.started, event.step))


@_after.register
def _(event: journal.StepDone, at: float, before: Progress) -> Progress:
    notes = {**before.notes, event.step: event.note}
    return replace(before, done=(*before.done, event.step), notes=notes, parsed={})


@_after.register
def _(event: journal.StepFailed, at: float, before: Progress) -> Progress:
    # Whoever holds the lock is to blame.
    return replace(before, failed=event.step, no_lock=event.no_lock)


@_after.register
def _(event: journal.Noted, at: float, before: Progress) -> Progress:
    note = {**before.notes.get(event.step, {}), **event.note}
    return replace(before, notes={**before.notes, event.step: note}, parsed={})


@_after.register
def _(event: journal.RunnerStarted, at: float, before: Progress) -> Progress:
    return replace(before, starts=before.starts + 1)


@_after.register
def _(event: journal.AllWell, at: float, before: Progress) -> Progress:
    return replace(before, all_well=True)


@_after.register
def _(event: journal.FallsBack, at: float, before: Progress) -> Progress:
    return replace(
        before,
        falling_back=True,
        reason=event.reason,
        # What comes upon it then, such as a reboot, is nobody's doing.
        cause=before.cause if before.falling_back else event.cause,
        fallback_at=at,
        database_is_back=event.database_is_back,
        # A fallback that is started anew (after a crash, or by a person) judges again.
        ended=None,
        problems=(),
        starts=0,
        attempts={},
    )


@_after.register
def _(event: journal.UndoStarted, at: float, before: Progress) -> Progress:
    return replace(before, attempts={**before.attempts, event.action: before.attempts.get(event.action, 0) + 1})


def _ended(before: Progress, action: str) -> dict[str, int]:
    return {name: times for name, times in before.attempts.items() if name != action}


def _other_problems(before: Progress, action: str) -> tuple[journal.UndoFailed, ...]:
    return tuple(one for one in before.problems if one.action != action)


@_after.register
def _(event: journal.UndoDone, at: float, before: Progress) -> Progress:
    # What could not be undone at first, such as a database that was not up yet, is no problem any more.
    return replace(
        before,
        undone=(*before.undone, event.action),
        seen={**before.seen, event.action: event.note},
        problems=_other_problems(before, event.action),
        attempts=_ended(before, event.action),
    )


@_after.register
def _(event: journal.UndoFailed, at: float, before: Progress) -> Progress:
    # What was restarted and is not well has to be started anew, once what was in its way is put right.
    again = ("restart",) if event.action in ("health", "watch") else ()
    return replace(
        before,
        undone=tuple(action for action in before.undone if action not in again),
        seen={action: note for action, note in before.seen.items() if action != event.action},
        problems=(*_other_problems(before, event.action), event),
        # What is given up once is not tried by the next runner either.
        attempts=before.attempts if event.given_up else _ended(before, event.action),
    )


@_after.register
def _(event: journal.Committed, at: float, before: Progress) -> Progress:
    return replace(before, committed=True, unasked=event.unasked)


@_after.register
def _(event: journal.Ended, at: float, before: Progress) -> Progress:
    return replace(before, ended=event)
