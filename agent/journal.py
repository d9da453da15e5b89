"""The journal of one deploy: a line for everything that happened, on disk before the next thing happens."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any, BinaryIO

from agent.state import read_lines

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
        line = json.dumps({"at": round(time.time(), 3), "event": event, **fields}, sort_keys=False).encode() + b"\n"
        try:
            self._write(line)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._reserve.exists():
                raise
            self._reserve.unlink()
            self._write(line)

    def _write(self, line: bytes) -> None:
        with self.path.open("ab+", buffering=0) as file:
            if _cut_short(file):
                line = b"\n" + line
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())


def _cut_short(file: BinaryIO | Any) -> bool:
    """Whether the last line has no end, because what wrote it was killed or had no room."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) != b"\n")
