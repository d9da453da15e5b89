"""Reading what others may have written, of which nobody can say what it is, how large, how deep or how many: ordinary
files alone, by whoever could have laid them, so much and no more, in a time that ends. What can't be read is an
OSError with its name. Nothing else here opens a file to read it, or lists a folder.

A path that the app itself names is read with `acting_as` the app's user around it: where that leads, nobody knows."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import math
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from agent.host.users import as_whose

# What somebody has written by hand, or a program for us, is far smaller, bytes.
LARGEST = 16_000_000
# How many names a folder may have, and how many may be found; and how long it may take to find them, seconds.
MOST, WITHIN = 100_000, 30.0
# How much is read at a time, bytes.
BLOCK = 1 << 20
# What is no plain name in a pattern.
MAGIC = re.compile(r"[*?[]")


def open_ordinary(path: Path, flags: int = 0) -> BinaryIO:
    """Open a file to read it, if it is one: nothing else of that name, a pipe say, is waited for. Raises OSError.

    + flags: more that open(2) takes
    """
    _namable(str(path))
    follows = not flags & os.O_NOFOLLOW
    with as_whose(path if follows else path.parent) as where:
        # Where root's own links were followed, there is none left.
        more = flags | (os.O_NOFOLLOW if os.geteuid() == 0 else 0)
        name = where if follows else os.path.join(where, path.name)
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | more)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "Not an ordinary file", str(path))
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def _namable(path: str) -> None:
    """Raises OSError where a path is none that a file can have: the system's calls raise something else."""
    if "\0" in path:
        raise OSError(errno.EINVAL, "No name that a file can have", path)


def read_ordinary(path: Path, most: int = LARGEST) -> bytes:
    """A file's content, if it is an ordinary one and not larger than it may be. Raises OSError."""
    with open_ordinary(path) as file:
        content = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"More than {most} bytes", str(path))
    return content


def read_text(path: Path, most: int = LARGEST) -> str:
    """The same as text. Raises OSError."""
    return read_ordinary(path, most).decode(errors="replace").replace("\r\n", "\n")


def end_of(path: Path, most: int, flags: int = 0) -> str:
    """The end of a file that takes what others print. Raises OSError.

    + most: bytes; flags: as `open_ordinary` takes them
    """
    with open_ordinary(path, flags) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read(most).decode(errors="replace")


def beginning_of(path: Path, most: int) -> str:
    """The beginning of an ordinary file, as text. Raises OSError."""
    with open_ordinary(path) as file:
        return file.read(most).decode(errors="replace")


def told_by_kernel(path: Path, most: int = LARGEST) -> str:
    """A file in /proc. A process may have as much of a command line or of mapped files as it likes. Raises OSError.

    + most: bytes; what is more is not read
    """
    fd, found = os.open(str(path), os.O_RDONLY | os.O_CLOEXEC), b""
    try:
        while len(found) < most and (piece := os.read(fd, min(BLOCK, most - len(found)))):
            found += piece
    finally:
        os.close(fd)
    return found.decode(errors="replace")


def processes() -> list[Path]:
    """The folders of all processes in /proc."""
    return [Path("/proc") / name for name in os.listdir("/proc") if name.isdigit()]


def descriptors(process: Path) -> list[str]:
    """What a process has open, as far as that is still so. Raises OSError.

    + process: its folder in /proc
    """
    found = []
    with os.scandir(str(process / "fd")) as there:
        for entry, _ in zip(there, range(MOST)):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(entry.path))
    return found


def content_hash(path: Path, until: float = math.inf) -> str:
    """The SHA-256 of a file's content, read block by block, for it may be large.

    + until: by when it has to be read, seconds since the epoch

    Raises OSError, and of these TimeoutError where there is more than can be read in time.
    """
    digest = hashlib.sha256()
    with open_ordinary(path) as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
            if time.time() > until:
                raise TimeoutError(f"{path} has more than can be read in time")
    return digest.hexdigest()


def names(folder: Path, until: float = math.inf) -> list[str]:
    """The names in a folder, in order. Raises OSError.

    + until: by when they have to be found, by the monotonic clock
    """
    found: list[str] = []
    _namable(str(folder))
    with as_whose(folder) as where, os.scandir(where) as entries:
        for entry in entries:
            found.append(entry.name)
            if len(found) > MOST:
                raise OSError(errno.EFBIG, f"More than {MOST} names", str(folder))
            _in_time(until, folder)
    return sorted(found)


def _in_time(until: float, folder: Path | str) -> None:
    if time.monotonic() > until:
        raise TimeoutError(errno.ETIMEDOUT, "More than can be read in time", str(folder))


def entries(folder: str) -> dict[str, os.DirEntry[str]]:
    """What is in a folder, by name. Raises OSError."""
    with as_whose(Path(folder)) as where, os.scandir(where) as found:
        return {entry.name: entry for entry in found}


def matching(folder: Path, pattern: str, most: int = MOST) -> list[Path]:
    """The paths below a folder that match a pattern, in order, as a shell finds them: none below what can't be read.

    + pattern: relative to the folder, with * ? [] in it, and no **
    + most: how many there may be

    Raises OSError where there are more than anybody reads.
    """
    found, until = [folder], time.monotonic() + WITHIN
    for part in pattern.split("/"):
        if part and MAGIC.search(part):
            found = [above / name for above in found for name in _alike(above, part, until)]
        elif part:
            found = [path for path in (above / part for above in found) if os.path.lexists(path)]
        if len(found) > most:
            raise OSError(errno.EFBIG, f"More than {most} files", str(folder / pattern))
    return found


def _alike(folder: Path, part: str, until: float) -> list[str]:
    try:
        there = names(folder, until)
    except OSError as problem:
        if problem.errno in (errno.EFBIG, errno.ETIMEDOUT):
            raise
        return []
    return [name for name in there if fnmatch.fnmatchcase(name, part) and name.startswith(".") <= part.startswith(".")]


def walk(folder: str, passed_over: str = "", until: float = math.inf) -> Iterator[tuple[str, os.stat_result]]:
    """A folder and all that is in it, each with what is known of it; links are not followed. Raises OSError.

    + passed_over: a folder inside of it that is not looked at
    + until: by when all has to be found, by the monotonic clock
    """
    yield folder, os.lstat(folder)
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.path == passed_over:
                    continue
                _in_time(until, folder)
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
