"""Files that are whole or not there, and lines that are on disk before the next thing happens."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from io import FileIO
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make a created, renamed or removed name survive a power cut."""
    fd = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part."""
    fd, name = tempfile.mkstemp(prefix=".new-", dir=str(path.parent))
    try:
        with os.fdopen(fd, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.rename(name, str(path))
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(path.parent)


def append_line(path: Path, record: Mapping[str, object]) -> None:
    """Add a line of JSON to a file and wait until it is on disk. Raises OSError, and leaves no part of a line then."""
    line = json.dumps(record).encode() + b"\n"
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and _cut_short(file):
            line = b"\n" + line
        try:
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def _cut_short(file: FileIO) -> bool:
    """Whether the last line has no end, because what wrote it was killed."""
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def text_lines(path: Path) -> list[str]:
    """The lines of a file; none where it is not there."""
    try:
        return path.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return []
