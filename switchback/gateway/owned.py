"""The gateway's own files: whoever can write to one says what a key may do."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from switchback.settings.errors import Refused

# Beside the settings' folder; in it are copies of the repositories, plans, the lock and the log.
HOME = ".gateway"
FOLDERS = ("repositories", "plans")
PRIVATE = 0o700


def check_owned(path: Path) -> None:
    """Raise Refused for a file that somebody else could have written."""
    try:
        found = path.stat()
    except OSError as problem:
        raise Refused(f"{path} can't be read: {problem.strerror}") from None
    if found.st_uid not in (os.geteuid(), 0):
        raise Refused(f"{path} belongs to another user: chown it")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise Refused(f"{path} can be written by others: chmod go-w it")


def home(checkout: Path) -> Path:
    """The folder of what the gateway keeps, made if need be, for its owner alone."""
    folder = checkout / HOME
    for one in (folder, *(folder / name for name in FOLDERS)):
        one.mkdir(mode=PRIVATE, exist_ok=True)
        one.chmod(PRIVATE)
    return folder
