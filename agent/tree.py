"""All that is in a folder, each looked at once: an app's packages are thousands of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

BLOCK = 512
WRITABLE = 0o222


def close(folder: Path, parts: Sequence[Path]) -> int:
    """Let nobody write to some parts of a folder any more. Returns what all of the folder takes on disk, bytes.

    + parts: folders inside of it, or itself
    """
    closed = tuple(f"{part}/" for part in parts)
    blocks: dict[tuple[int, int], int] = {}
    for path, info in walk(str(folder)):
        blocks[info.st_dev, info.st_ino] = info.st_blocks
        # What can't be written to is left alone: it may be another version's as well, and thousands of changes that
        # change nothing would have to reach the disk.
        if info.st_mode & WRITABLE and f"{path}/".startswith(closed) and not stat.S_ISLNK(info.st_mode):
            os.chmod(path, info.st_mode & 0o7777 & ~WRITABLE)
    return sum(blocks.values()) * BLOCK


def walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """A folder and all that is in it, each with what is known of it; links are not followed."""
    yield folder, os.lstat(folder)
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
