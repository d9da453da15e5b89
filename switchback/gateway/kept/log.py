"""What was asked for, by which key, and what became of it: for the journal, and for a file that is bounded."""

from __future__ import annotations

import contextlib
import os
import syslog
import time
from dataclasses import dataclass
from pathlib import Path

from agent.text.lines import cut, one_line

# How long the file may become before it is the one before, bytes; and how much of a line is written, characters.
LARGEST, LONGEST = 1_000_000, 1000


@dataclass(frozen=True)
class Log:
    """Where it is written.

    + file: beside it is the one before; who: the key's name; came_from: the address, as the key's user says it
    """

    file: Path
    who: str
    came_from: str

    def __call__(self, text: str) -> None:
        """Write a line. A full disk keeps nobody from a revert."""
        line = one_line(cut(f"{self.who} from {self.came_from}: {text}", LONGEST))
        syslog.openlog("switchback-gateway", syslog.LOG_PID, syslog.LOG_AUTH)
        syslog.syslog(syslog.LOG_INFO, line)
        with contextlib.suppress(OSError):
            self._rotate()
            with os.fdopen(os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as log:
                log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")

    def _rotate(self) -> None:
        if self.file.exists() and self.file.stat().st_size > LARGEST:
            self.file.replace(self.file.with_name(f"{self.file.name}.1"))
