"""Taking over what a person has had somewhere else: moved once, with a link left in its old place, so that whatever
runs from there goes on. Nothing is overwritten, and wherever it is interrupted, all of it is in one place or the other.
It is done as the app's user."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from agent.host.command import Runner
from agent.host.files import sync_folder
from agent.host.links import exchange
from agent.host.reading import content_hash, descriptors, names, processes, walk
from agent.host.users import acting_as, may_write
from agent.shared.kinds import followed, kind_of
from agent.shared.places import Place
from agent.shared.reach import has_list
from agent.versions.layout import Layout

# What SQLite has beside a database that somebody uses, or has not closed.
BESIDE = ("-wal", "-shm", "-journal")
# Added to the name of what was copied, and is kept.
KEPT = ".before-switchback"


def source_of(layout: Layout, place: Place) -> Path | None:
    """Where a person has it, by the settings; None where they name no place, or there is nothing."""
    adopt = layout.settings.adopt
    if place.name in adopt:
        return layout.expand(adopt[place.name])
    folder = adopt.get("")
    found = layout.expand(folder) / place.name if folder else None
    return found if found and os.path.lexists(str(found)) else None


def is_taken_over(source: Path, where: Path) -> bool:
    """Whether all is done: the old place leads to the new one, or there is none any more."""
    if not os.path.lexists(str(source)):
        return where.exists()
    return where.exists() and os.path.realpath(str(source)) == os.path.realpath(str(where))


def obstacle(layout: Layout, place: Place, source: Path, where: Path) -> str:
    """What keeps it from being taken over, with what to do; empty where nothing does. Raises OSError."""
    kind, wanted = followed(source), "folder" if place.is_folder else "file"
    if kind != wanted:
        is_there = "is not there" if kind == "missing" else f"is a {kind}, and has to be a {wanted}"
        return f"{source} {is_there}: mend the path, or take it out of adopt"
    if os.path.realpath(str(where)).startswith(os.path.realpath(str(source)) + "/"):
        return f"{where} would lie in {source}, which is to be moved there: name what is in it"
    if not _is_empty(where) and not _is_copy(source, where):
        return (
            f"{source} and {where} both have something, and neither is overwritten: bring them together by hand, then "
            f"move {source} away"
        )
    if kind_of(source) == "link":
        return ""
    by_hand = f"mv {source} {where} && ln -s {where} {source} && chown -R {layout.app}: {where}"
    for path in (source.parent, source) if place.is_folder else (source.parent,):
        if not may_write(layout.app, os.stat(str(path))) and not has_list(path):
            return f"{layout.app} can't move {source}, since it can't write to {path}: as root, {by_hand}"
    used = _used(source) if place.is_database else ""
    return f"{source} can't be moved while {used}: stop what uses it, and deploy again" if used else ""


def _is_empty(where: Path) -> bool:
    """Whether there is nothing to lose: an earlier build may have made it."""
    kind = kind_of(where)
    if kind == "folder":
        return not names(where)
    # One that leads to itself is what an interrupted exchange has left.
    return kind == "missing" or (kind == "file" and not where.stat().st_size) or _leads_to_itself(where)


def _leads_to_itself(where: Path) -> bool:
    return where.is_symlink() and os.readlink(str(where)) == str(where)


def _used(database: Path) -> str:
    """Who uses a database, as a sentence goes on; empty where nobody is known to."""
    beside = [f"{database}{end}" for end in BESIDE if os.path.lexists(f"{database}{end}")]
    if beside:
        return f"{beside[0]} is beside it"
    real = os.path.realpath(str(database))
    for process in processes():
        with contextlib.suppress(OSError):
            if real in descriptors(process):
                return f"process {process.name} has it open"
    return ""


def take_over(runner: Runner, layout: Layout, source: Path, where: Path) -> None:
    """Move it, once nothing is in the way. Raises OSError, CommandFailed.

    + runner: the app's
    """
    with acting_as(layout.app):
        if kind_of(source) == "link":
            _clear(where)
            where.symlink_to(os.path.realpath(str(source)))
            sync_folder(where.parent)
            return
        if _is_near(source, where.parent):
            _clear(where)
            _swap(source, where)
            return
        copied = not _is_empty(where)
    if not copied:
        _copy(runner, layout, source, where)
    with acting_as(layout.app):
        _leave_link(source, where)


def _is_near(source: Path, other: Path) -> bool:
    """Whether two are on one file system, where nothing has to be copied."""
    return os.lstat(str(source)).st_dev == os.stat(str(other)).st_dev


def _clear(where: Path) -> None:
    """Take away what is empty."""
    if kind_of(where) == "folder":
        where.rmdir()
    else:
        where.unlink(missing_ok=True)


def _swap(source: Path, where: Path) -> None:
    """Have it in its new place, and a link to that in the old one, at one moment: nobody finds neither."""
    where.symlink_to(where)
    try:
        exchange(where, source)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        # A file system that can't do that, on the network say.
        where.unlink()
        os.rename(str(source), str(where))
        source.symlink_to(where)
    for folder in (where.parent, source.parent):
        sync_folder(folder)


def _copy(runner: Runner, layout: Layout, source: Path, where: Path) -> None:
    new = where.with_name(f".{where.name}.switchback")
    runner.run(["rm", "-rf", "--", str(new)])
    runner.run(["cp", "--archive", "--", str(source), str(new)])
    runner.run(["sync", "--file-system", str(new)])
    with acting_as(layout.app):
        if not _is_copy(source, new):
            raise OSError(f"{source} was changed while it was copied to {where}: stop what writes there, deploy again")
        _clear(where)
        os.rename(str(new), str(where))
        sync_folder(where.parent)


def _leave_link(source: Path, where: Path) -> None:
    """Keep the old one under another name, with a link in its place."""
    link = source.with_name(f".{source.name}.switchback")
    link.unlink(missing_ok=True)
    link.symlink_to(where)
    try:
        exchange(link, source)
        os.rename(str(link), f"{source}{KEPT}")
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        os.rename(str(source), f"{source}{KEPT}")
        os.rename(str(link), str(source))
    sync_folder(source.parent)


def _is_copy(source: Path, other: Path) -> bool:
    """Whether one has all that the other has, with the same content, on another file system."""
    if kind_of(source) == "link" or _is_near(source, other):
        return False
    mine, its = _tree(source), _tree(other)
    return mine.keys() == its.keys() and all(
        _alike(source / name, other / name, mine[name], its[name]) for name in mine
    )


def _tree(top: Path) -> dict[str, os.stat_result]:
    if kind_of(top) != "folder":
        return {"": os.lstat(str(top))}
    return {os.path.relpath(path, str(top)): info for path, info in walk(str(top))}


def _alike(one: Path, other: Path, mine: os.stat_result, its: os.stat_result) -> bool:
    if stat.S_IFMT(mine.st_mode) != stat.S_IFMT(its.st_mode):
        return False
    if stat.S_ISLNK(mine.st_mode):
        return os.readlink(str(one)) == os.readlink(str(other))
    if not stat.S_ISREG(mine.st_mode):
        return True
    return mine.st_size == its.st_size and content_hash(one) == content_hash(other)
