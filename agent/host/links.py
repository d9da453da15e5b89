"""Links that are replaced in one step: a reader finds the old target or the new one, and never nothing."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from agent.host.files import sync_folder
from agent.host.users import as_whose

# Where each link led: its path, and its target as it was written, or None where there was no link.
Recorded = dict[str, Optional[str]]


# From linux/fcntl.h and linux/fs.h.
AT_FDCWD, RENAME_EXCHANGE = -100, 2


class NotALink(Exception):
    """Something that is not a link stands where a link has to be."""


def read_link(path: Path) -> str | None:
    """A link's target as it is written; None where nothing is. Raises NotALink."""
    if path.is_symlink():
        return os.readlink(str(path))
    if path.exists():
        what = "a directory" if path.is_dir() else "no link"
        raise NotALink(f"{path} is {what} and has to be a link: move it away")
    return None


def replace_link(path: Path, target: str) -> None:
    """Make a link lead to a target, by rename(2). What an interrupted run has left is swept away first."""
    if read_link(path) == target:
        return
    with as_whose(path.parent):
        new = path.with_name(f".{path.name}.switchback")
        new.unlink(missing_ok=True)
        os.symlink(target, str(new))
        os.rename(str(new), str(path))
        sync_folder(path.parent)


def exchange(one: Path, other: Path) -> None:
    """Have two paths change places at one moment. Raises OSError, EINVAL or ENOSYS of it where that can't be done."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(one))
    if library.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))


def restore_links(recorded: Mapping[str, str | None]) -> None:
    """Put links back to what was recorded; one that was not there is removed."""
    for text, target in recorded.items():
        path = Path(text)
        path.with_name(f".{path.name}.switchback").unlink(missing_ok=True)
        if target is not None:
            replace_link(path, target)
        elif path.is_symlink():
            path.unlink()
            sync_folder(path.parent)
