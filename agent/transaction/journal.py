"""The journal of one deploy: a line for everything that happened, on disk before the next thing happens."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.host.files import append_line, read_lines
from agent.host.output import say
from agent.text.lines import bounded_values

# Enough for every line that a fallback still has to write when the disk is full.
RESERVE_BYTES = 256 * 1024

Record = dict[str, Any]


class Journal:
    """The journal in a deploy's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self._reserve = folder / "reserve"
        # Lines of this process that could not be written, so that it does nothing twice all the same.
        self._unwritten: list[Record] = []
        # All lines, while nobody else can write any.
        self._known: list[Record] | None = None

    def reserve_room(self) -> None:
        """Set disk space aside for the lines of a fallback. Raises OSError when there is none."""
        with self._reserve.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def free_room(self) -> None:
        """Give the reserved space back."""
        self._reserve.unlink(missing_ok=True)

    def records(self) -> list[Record]:
        """Everything that was written, oldest first."""
        written = read_lines(self.path) if self._known is None else self._known
        return [*written, *self._unwritten]

    @contextlib.contextmanager
    def read_once(self) -> Iterator[None]:
        """Read it once, and know it meanwhile: for whoever works on the deploy alone."""
        self._known = read_lines(self.path)
        try:
            yield
        finally:
            self._known = None

    def note(self, event: str, **fields: Any) -> None:
        """Write a line on the way back. Where nothing can be written any more, going back matters more."""
        self._unwritten.append(_record(event, fields))
        try:
            self._write_the_unwritten()
        except OSError as error:
            say(f"  the journal can't be written: {error}")

    def append(self, event: str, **fields: Any) -> None:
        """Write one line and wait until it is on disk. Raises OSError."""
        record = _record(event, fields)
        self._write_the_unwritten()
        self._write(record)

    def _write_the_unwritten(self) -> None:
        while self._unwritten:
            self._write(self._unwritten[0])
            del self._unwritten[0]

    def _write(self, record: Record) -> None:
        try:
            self._to_disk(record)
            if self._known is not None:
                self._known.append(record)
        except BaseException:
            # Whoever was interrupted can't say how far it came.
            self._known = None
            raise

    def _to_disk(self, record: Record) -> None:
        """A full disk costs the reserve, not the line."""
        try:
            append_line(self.path, record)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._reserve.exists():
                raise
            self._reserve.unlink()
            append_line(self.path, record)


def _record(event: str, fields: dict[str, Any]) -> Record:
    # What others have printed may be in it, and all of it is read again for every step.
    return {"at": round(time.time(), 3), "event": event, **bounded_values(fields)}
