"""The static files that a version serves, and how those of another differ. Reading only."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from agent.host.reading import content_hash, read_ordinary, walk
from agent.words.foreseen import Static

# What is collected besides the files themselves: the manifest, and packed copies.
MANIFEST = "staticfiles.json"
PACKED = (".gz", ".br")
# How long reading them may take, seconds.
LIMIT = 8.0


class TooMuch(Exception):
    """There is more to read than somebody waits for."""


def collected(folder: Path, limit: float = LIMIT) -> dict[str, str]:
    """The files that were collected into a version, each with its content's hash.

    Copies under hashed names are left out where there is a manifest that tells them from the files themselves.

    + limit: how long reading them may take, seconds

    Raises TooMuch.
    """
    until = time.time() + limit
    try:
        names = _names(folder, limit)
    except TimeoutError:
        raise TooMuch(f"there are more static files than can be read in {limit:.0f} s") from None
    manifest = _manifest(folder)
    if manifest is not None:
        names &= manifest
    names -= {name for name in names if name.endswith(PACKED) and name.rpartition(".")[0] in names}
    found = {}
    for name in sorted(names - {MANIFEST}):
        if not (folder / name).is_file():
            continue
        try:
            found[name] = content_hash(folder / name, until)
        except TimeoutError:
            raise TooMuch(f"there are more static files than can be read in {limit:.0f} s") from None
    return found


def _names(folder: Path, limit: float) -> set[str]:
    if not folder.is_dir():
        return set()
    found = walk(str(folder), until=time.monotonic() + limit)
    return {os.path.relpath(path, str(folder)) for path, info in found if not stat.S_ISDIR(info.st_mode)}


def _manifest(folder: Path) -> set[str] | None:
    try:
        return set(json.loads(read_ordinary(folder / MANIFEST))["paths"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def compare(told_by: Literal["django", "built"], before: Mapping[str, str], after: Mapping[str, str]) -> Static:
    """What is added, changed and removed. Pure."""
    return Static(
        told_by,
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(name for name in after.keys() & before.keys() if after[name] != before[name])),
        removed=tuple(sorted(before.keys() - after.keys())),
    )
