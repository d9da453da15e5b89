"""Hashed static files of the version that is left, made part of the one that goes live: pages that visitors have loaded
still ask for them. They are linked, and nothing that the version has itself is replaced; what is old is dropped."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.host.files import write_whole
from agent.host.users import acting_as
from agent.versions.layout import Layout
from agent.versions.marks import read_json
from agent.versions.static_files import MANIFEST

# What a version has of others: each name, and until when it was of a live version.
RECORD = ".switchback-assets.json"
# Made from a file by what serves it compressed.
BESIDE = ("", ".gz", ".br")
DAY = 86400.0


def hashed(static: Path) -> set[str]:
    """The hashed names of a version's own static files, from its manifest; none where it has no manifest."""
    paths = read_json(static / MANIFEST).get("paths")
    return {str(name) for name in paths.values()} - set(paths) if isinstance(paths, dict) else set()


def carry(layout: Layout, left: str, live: str, days: float, now: float | None = None) -> int:
    """Link what visitors may still ask for from one version into another. Returns how many files that are.

    + left: the version that was live; live: the one that is next
    + days: for how long a file stays after the last version of its own was live
    """
    now = time.time() if now is None else now
    source, target = layout.part(left, "static"), layout.part(live, "static")
    if left == live or not target.is_dir():
        return 0
    with acting_as(layout.app):
        own, has = hashed(target), _record(layout.version(live))
        wanted = {**has, **_record(layout.version(left)), **dict.fromkeys(hashed(source), now)}
        wanted = {name: until for name, until in wanted.items() if is_inside(name) and name not in own}
        kept = {name: until for name, until in wanted.items() if now - until < days * DAY}
        linked = sum(_link(source, target, name) for name in kept)
        for name in has.keys() - kept.keys() - own:
            _drop(target, name)
        if kept != has:
            with _writable(layout.version(live)):
                write_whole(layout.version(live) / RECORD, json.dumps(kept, indent=1) + "\n", 0o444)
    return linked


def _record(version: Path) -> dict[str, float]:
    found = read_json(version / RECORD)
    return {name: until for name, until in found.items() if isinstance(until, (int, float))}


def is_inside(name: str) -> bool:
    """Whether a name of a manifest stays below its folder."""
    return not os.path.isabs(name) and ".." not in name.split("/")


def _link(source: Path, target: Path, name: str) -> int:
    linked = 0
    for ending in BESIDE:
        path, own = source / (name + ending), target / (name + ending)
        if os.path.lexists(str(own)) or not path.is_file():
            continue
        _make_folder(target, own.parent)
        with _writable(own.parent):
            try:
                os.link(str(path), str(own))
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                    raise
                shutil.copy2(str(path), str(own))
        linked += 1
    return linked


def _make_folder(target: Path, folder: Path) -> None:
    """Make a folder of the static files, as sealed as the others."""
    missing = [one for one in (folder, *folder.parents) if target in one.parents and not one.is_dir()]
    for one in reversed(missing):
        with _writable(one.parent):
            one.mkdir()
        one.chmod(target.stat().st_mode)


def _drop(target: Path, name: str) -> None:
    for ending in BESIDE:
        path = target / (name + ending)
        if path.is_file():
            with _writable(path.parent):
                path.unlink()


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Let a sealed folder take a name, and seal it again."""
    mode = folder.stat().st_mode
    folder.chmod(mode | 0o200)
    try:
        yield
    finally:
        folder.chmod(mode)
