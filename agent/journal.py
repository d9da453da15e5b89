"""The journal of one deploy: a line for everything that happened, on disk before the next thing happens."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

from agent.state import append_line, read_lines

# Enough for every line that a fallback still has to write when the disk is full.
RESERVE_BYTES = 256 * 1024

Record = dict[str, Any]


class Journal:
    """The journal in a deploy's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self._reserve = folder / "reserve"

    def reserve_room(self) -> None:
        """Set disk space aside for the lines of a fallback. Raises OSError when there is none."""
        with self._reserve.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)

    def free_room(self) -> None:
        """Give the reserved space back."""
        self._reserve.unlink(missing_ok=True)

    def records(self) -> list[Record]:
        """Everything that was written, oldest first."""
        return read_lines(self.path)

    def append(self, event: str, **fields: Any) -> None:
        """Write one line and wait until it is on disk; a full disk costs the reserve, not the line."""
        record = {"at": round(time.time(), 3), "event": event, **fields}
        try:
            append_line(self.path, record)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._reserve.exists():
                raise
            self._reserve.unlink()
            append_line(self.path, record)
