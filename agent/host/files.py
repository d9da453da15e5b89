"""Files that are whole or not there, lines that are on disk before the next thing happens, and folders in which nobody
can write any more."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path

from agent.host.reading import read_text, walk
from agent.host.users import as_whose

# What is written by us alone, and may be long, bytes.
OWN = 1 << 30

# In which the room that a file takes is counted, bytes.
BLOCK = 512
WRITABLE = 0o222


def sync_folder(folder: Path) -> None:
    """Make a created, renamed or removed name survive a power cut."""
    fd = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, text: str, mode: int = 0o644, group: int | None = None) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part.

    + group: whose it is besides, where that is not whoever writes it
    """
    with as_whose(path.parent) as folder:
        fd, name = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if group is not None:
                os.chown(name, -1, group)
            os.chmod(name, mode)
            os.rename(name, os.path.join(folder, path.name))
        except BaseException:
            os.unlink(name)
            raise
        sync_folder(Path(folder))


def put(path: Path, content: bytes, how: int = os.O_TRUNC) -> None:
    """Write a file, if an ordinary one is there or none: nobody who reads a pipe of that name is waited for.

    + how: O_APPEND to add to it

    Raises OSError.
    """
    with as_whose(path.parent) as folder:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC | how
        fd = os.open(os.path.join(folder, path.name), flags, 0o666)
    with os.fdopen(fd, "wb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "Not an ordinary file", str(path))
        file.write(content)


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


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until nobody else works in a folder, and keep others out meanwhile."""
    fd = os.open(str(folder), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def text_lines(path: Path) -> list[str]:
    """The lines of a file of our own; none where it is not there."""
    try:
        return read_text(path, OWN).split("\n")
    except FileNotFoundError:
        return []


def close(folder: Path, parts: Sequence[Path], passed_over: Path | None = None) -> int:
    """Let nobody write to some parts of a folder any more. Returns what the folder takes on disk, bytes.

    + parts: folders inside of it, or itself
    + passed_over: a folder inside of it that is not looked at, and does not count
    """
    closed = tuple(f"{part}/" for part in parts)
    blocks: dict[tuple[int, int], int] = {}
    for path, info in walk(str(folder), str(passed_over or "")):
        blocks[info.st_dev, info.st_ino] = info.st_blocks
        if f"{path}/".startswith(closed):
            close_one(path, info)
    return sum(blocks.values()) * BLOCK


def close_one(path: str, info: os.stat_result) -> bool:
    """Let nobody write to a file or a folder any more; links have no say in that. Returns whether anybody could.

    + info: what is known of it
    """
    # What can't be written to is left alone: it may be another version's as well, and thousands of changes that change
    # nothing would have to reach the disk.
    if not info.st_mode & WRITABLE or stat.S_ISLNK(info.st_mode):
        return False
    os.chmod(path, info.st_mode & 0o7777 & ~WRITABLE)
    return True


def remove(folder: Path) -> None:
    """Delete a folder and all that is in it, however deep that lies. Raises OSError."""
    with as_whose(folder.parent):
        for path, info in reversed([*walk(str(folder))]):
            os.rmdir(path) if stat.S_ISDIR(info.st_mode) else os.unlink(path)
