"""Reading files of which nobody can say how large they are, or what they are; and what they are told apart by."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# What somebody has written by hand, or a program for us, is far smaller, bytes.
LARGEST = 16_000_000


def open_ordinary(path: Path, flags: int = 0) -> BinaryIO:
    """Open a file to read it, if it is one: nothing else of that name, a pipe say, is waited for. Raises OSError.

    + flags: more that open(2) takes
    """
    fd = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "Not an ordinary file", str(path))
        return os.fdopen(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def read_ordinary(path: Path, most: int = LARGEST) -> bytes:
    """A file's content, if it is an ordinary one and not larger than it may be. Raises OSError."""
    with open_ordinary(path) as file:
        content = file.read(most + 1)
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


# How much is read at a time, bytes.
BLOCK = 1 << 20


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


def walk(folder: str, passed_over: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """A folder and all that is in it, each with what is known of it; links are not followed.

    + passed_over: a folder inside of it that is not looked at
    """
    yield folder, os.lstat(folder)
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.path == passed_over:
                    continue
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
