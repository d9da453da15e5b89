"""Of which endings of a run somebody has yet to be told. Pure: a journal in."""

from __future__ import annotations

from agent.inside.lean import dataclass
from agent.transaction.progress import Progress, read_progress
from agent.words.journal import Ended, Noted, Told
from agent.words.outcomes import Outcome

# Of the notes of how often it was begun.
NOTIFY = "notify"
# The runs that change what visitors get.
KINDS = ("deploy", "revert", "restart")
NAMES = {
    Outcome.COMMITTED: "committed",
    Outcome.FELL_BACK: "fell_back",
    Outcome.NEEDS_A_PERSON: "needs_a_person",
}


@dataclass(frozen=True)
class Ending:
    """An ending of a run.

    + number: which of its endings, from 1; name: as the settings have it; at: when, seconds since the epoch
    + progress: how far the run had come with it
    """

    number: int
    name: str
    at: float
    progress: Progress


def due(progress: Progress) -> Ending | None:
    """The first ending of a run that somebody is to be told of, and has not been; None where there is none.

    Each host tells of its own. That a run has committed concerns all of them, and is told by the primary one.
    """
    begun = progress.begun
    wanted = begun.settings.notify if begun and begun.kind in KINDS else None
    if begun is None or wanted is None:
        return None
    told = {line.says.ending for line in progress.lines if isinstance(line.says, Told)}
    endings = [
        (place, line.at, line.says) for place, line in enumerate(progress.lines, 1) if isinstance(line.says, Ended)
    ]
    for number, (place, at, ended) in enumerate(endings, 1):
        name = _name(ended, number)
        if number not in told and name in wanted.at and (begun.primary or name != NAMES[Outcome.COMMITTED]):
            return Ending(number, name, at, read_progress(progress.lines[:place]))
    return None


def begins(ending: Ending, times: int) -> Noted:
    """The line that says that somebody is about to be told, for the so many-th time."""
    return Noted(NOTIFY, {str(ending.number): times})


def tried(progress: Progress, ending: Ending) -> int:
    """How often it was begun to tell of an ending."""
    times = progress.notes.get(NOTIFY, {}).get(str(ending.number), 0)
    return times if isinstance(times, int) else 0


def problem_of(progress: Progress) -> str:
    """Why nobody could be told of the last ending that there was to tell; empty where somebody was."""
    told = [line.says for line in progress.lines if isinstance(line.says, Told)]
    return told[-1].problem if told else ""


def _name(ended: Ended, number: int) -> str:
    # An ending comes after another one where a person was needed until then.
    late = number > 1 and ended.outcome is not Outcome.NEEDS_A_PERSON
    return "late_end" if late else NAMES.get(ended.outcome, "")
