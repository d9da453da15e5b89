"""All that is in a folder, each looked at once: an app's packages are thousands of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

BLOCK = 512
WRITABLE = 0o222


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
