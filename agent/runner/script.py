"""What a run has said, by step: for whoever asks, however late."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from agent.host.output import ASIDE, DETAIL, FOR_FEW, LINE, TOLD, WARNING
from agent.inside.lean import dataclass
from agent.runs.result import Said
from agent.transaction.progress import Progress
from agent.words.journal import StepDone
from agent.words.result import StepTold

# What is said of the way back belongs to no step.
WAY_BACK = "fallback"
# So many lines of commands are kept for who comes late: all of them are in the step's log.
DETAILS_KEPT = 2000
AT_A_WORD = "; then a person asked to recover"


@dataclass(frozen=True)
class Entry:
    """A line: the step that it was said of, how loud, and the text."""

    step: str
    loud: str
    text: str


def asked_for_again(reason: str | None) -> str:
    """Why it falls back once more at a person's word: as at first, and that.

    + reason: why it fell back before
    """
    first, line, more = (reason or "").partition("\n")
    return f"{first.removesuffix(AT_A_WORD)}{AT_A_WORD}{line}{more}"


def said_at_first(reason: str, touched: bool) -> Iterable[tuple[str, str]]:
    """What is said when a run begins to fall back, and how loud: the output that goes with the reason comes at the end.

    + touched: whether the live site may have been changed
    """
    first, _, more = reason.partition("\n")
    yield LINE, f"{'falling back' if touched else 'giving up'}: {first}"
    if more:
        yield ASIDE, more


class Script:
    """Everything that was said of a run, the oldest first."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._details = 0

    def say(self, step: str, loud: str, text: str) -> None:
        """Take a line."""
        if loud == DETAIL:
            self._details += 1
            if self._details > DETAILS_KEPT:
                return
        self.entries.append(Entry(step, loud, text))

    def of(self, steps: Collection[str], since: int, verbose: bool) -> Iterable[str]:
        """The lines of some steps, from a place on.

        + verbose: whether what their commands have printed is among them
        """
        for entry in self.entries[since:]:
            if entry.step in steps and (verbose or entry.loud not in FOR_FEW):
                yield entry.text

    def said(self, progress: Progress, verbose: bool = False) -> Said:
        """What a person reads of it at the end, and what the steps have said that have ended well.

        + verbose: whether what their commands have printed is part of that
        """
        ended = [line.says for line in progress.lines if isinstance(line.says, StepDone)]
        lines: dict[str, list[str]] = {}
        for entry in self.entries:
            if verbose or entry.loud not in FOR_FEW:
                lines.setdefault(entry.step, []).append(entry.text)
        return Said(
            warnings=tuple(entry.text for entry in self.entries if entry.loud == WARNING),
            told=tuple(entry.text for entry in self.entries if entry.loud == TOLD),
            steps=tuple(StepTold(one.step, one.seconds, tuple(lines.get(one.step, ()))) for one in ended),
        )
