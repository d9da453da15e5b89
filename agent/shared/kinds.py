"""What is at a path, and on the way to it."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def blocked(top: Path, path: str) -> str:
    """What is in the way of a path below a folder: something else than a folder, a link say. Empty where nothing is."""
    above = top
    for part in path.split("/")[:-1]:
        above /= part
        kind = kind_of(above)
        if kind == "missing":
            return ""
        if kind != "folder":
            return f"{above} is a {kind}, and a directory has to be there"
    return ""


def kind_of(path: Path) -> str:
    """What is at a path, as a word; a link is not followed. Raises OSError."""
    try:
        return _kind(os.lstat(str(path)))
    except FileNotFoundError:
        return "missing"


def _kind(info: os.stat_result) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFREG: "file", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(info.st_mode), "device or pipe")


def followed(path: Path) -> str:
    """What is at a path, or where a link there leads: a person may keep it on another disk."""
    kind = kind_of(path)
    if kind != "link":
        return kind
    try:
        return _kind(os.stat(str(path)))
    except OSError:
        return "link that leads nowhere"
