"""The journal of one deploy: a line for everything that happened, on disk before the next thing happens."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from agent.host.files import append_line, text_lines
from agent.host.output import emit
from agent.text.lines import bounded_values
from agent.transaction.progress import Progress, read_progress
from agent.words.journal import Event, JournalUnreadable, Line, Written, as_line, read_line, written
from agent.words.shapes import Unreadable

# Enough for every line that a fallback still has to write when the disk is full.
RESERVE_BYTES = 256 * 1024


class Journal:
    """The journal in a deploy's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self._reserve = folder / "reserve"
        # Lines that could not be written, so that nothing is done twice all the same.
        self._unwritten: list[Written] = []
        # How far the deploy has come by all lines that are written, for the one who writes them.
        self._known: Progress | None = None
        self._is_ours = False
        self._writer: Callable[[str, Written], None] | None = None

    def reserve_room(self) -> None:
        """Set disk space aside for the lines of a fallback. Raises OSError when there is none."""
        with self._reserve.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def free_room(self) -> None:
        """Give the reserved space back."""
        self._reserve.unlink(missing_ok=True)

    def is_ours(self) -> None:
        """Know it from now on without reading it again, as nobody else writes to it. Raises JournalUnreadable."""
        self._is_ours, self._known = True, self._read()

    def is_written_by(self, writer: Callable[[str, Written], None], known: Progress) -> None:
        """Have its lines written by another process, which knows it.

        + writer: is told which of `note` and `append` it is, and the line; may raise OSError
        + known: how far the deploy has come
        """
        self._is_ours, self._known, self._writer = True, known, writer

    @property
    def progress(self) -> Progress:
        """How far the deploy has come. Raises JournalUnreadable."""
        known = self._read() if self._known is None else self._known
        if self._is_ours:
            self._known = known
        return read_progress(_lines(self._unwritten), known) if self._unwritten else known

    def _read(self) -> Progress:
        """How far it has come by what is on disk; a line cut short by a crash is passed over."""
        try:
            return read_progress(line for line in map(read_line, text_lines(self.path)) if line)
        except Unreadable as problem:
            raise JournalUnreadable(f"{self.path} can't be read: {problem}") from None

    def note(self, event: Event) -> None:
        """Write a line on the way back. Where nothing can be written any more, going back matters more."""
        self.write("note", _written(event))

    def append(self, event: Event) -> None:
        """Write one line and wait until it is on disk. Raises OSError."""
        self.write("append", _written(event))

    def write(self, how: str, line: Written) -> None:
        """Write a line as `note` or as `append` does."""
        if self._writer:
            self._writer(how, line)
            self._learn(line)
            return
        if how == "append":
            self._write_the_unwritten()
            self._write(line)
            return
        self._unwritten.append(line)
        try:
            self._write_the_unwritten()
        except OSError as error:
            emit(f"  the journal can't be written: {error}")

    def _write_the_unwritten(self) -> None:
        while self._unwritten:
            self._write(self._unwritten[0])
            del self._unwritten[0]

    def _write(self, line: Written) -> None:
        try:
            self._to_disk(line)
            self._learn(line)
        except BaseException:
            # Whoever was interrupted can't say how far it came.
            self._known = None
            raise

    def _learn(self, line: Written) -> None:
        if self._known is not None:
            self._known = read_progress(_lines([line]), self._known)

    def _to_disk(self, line: Written) -> None:
        """A full disk costs the reserve, not the line."""
        try:
            append_line(self.path, line)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._reserve.exists():
                raise
            self._reserve.unlink()
            append_line(self.path, line)


def _written(event: Event) -> Written:
    # What others have printed may be in it, and all of it is read again for every step.
    line: Written = bounded_values(written(Line(round(time.time(), 3), event)))
    return line


def _lines(told: list[Written]) -> list[Line]:
    return [line for line in map(as_line, told) if line]
