"""What a build finds where something is shared: in the shared folder, and in the commit. It is looked at as the app's
user, and past no link: neither the repository nor the app says where anything is made."""

from __future__ import annotations

import math
import os
import posixpath
import pwd
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.host.reading import content_hash, names, walk
from agent.host.users import acting_as, may_write
from agent.shared import adopt
from agent.shared.kinds import blocked, followed, kind_of
from agent.shared.places import Place, places
from agent.shared.reach import has_list, unfit
from agent.versions.layout import Layout
from agent.words.foreseen import SharedPlace

# What a repository keeps a directory with that would be empty.
PLACEHOLDERS = (".gitkeep", ".keep", ".gitignore", ".gitattributes", ".placeholder", ".empty")
# How many of a commit's files are named that visitors don't get.
NAMED = 20


def look(layout: Layout, code: Path, until: float = math.inf) -> list[SharedPlace]:
    """What becomes of all that is shared once a version is built of a code, each with what keeps that from being so.

    + code: the checkout; until: by when it has to be known, by the monotonic clock

    To be called as the app's user.
    """
    return [_told(layout, place, partial(_look_at, layout, code, place, until)) for place in places(layout.settings)]


def state(layout: Layout) -> list[SharedPlace]:
    """All that is shared, by what is there alone; of what is not, the commit to come decides."""
    with acting_as(layout.app):
        return [_told(layout, place, partial(_state_of, layout, place)) for place in places(layout.settings)]


def _told(layout: Layout, place: Place, how: Callable[[], SharedPlace]) -> SharedPlace:
    """What is found; what can't be looked at is in the way, too."""
    try:
        return how()
    except OSError as problem:
        return SharedPlace(place.path, str(layout.shared / place.name), problem=f"{place.setting}: {problem}")


def _state_of(layout: Layout, place: Place) -> SharedPlace:
    where = layout.shared / place.name
    told = SharedPlace(place.path, str(where))
    there = followed(where)
    problem = blocked(layout.shared, place.name) or _problem_there(layout, place, where, there)
    if problem:
        return replace(told, problem=f"{place.setting}: {problem}")
    if there == "missing":
        begins_empty = place.is_folder or place.is_database
        do = f"unless the code has {place.path}, put it there before a deploy: {_install(layout, where)}"
        return replace(told, how="new", notice="" if begins_empty else f"{where} is not there: {do}")
    return replace(told, notice=unfit(where, layout.app, place.is_folder))


def _look_at(layout: Layout, code: Path, place: Place, until: float) -> SharedPlace:
    where, own = layout.shared / place.name, code / place.path
    told, source = SharedPlace(place.path, str(where)), adopt.source_of(layout, place)
    moves = source is not None and not adopt.is_taken_over(source, where)
    problem = blocked(layout.shared, place.name) or blocked(code, place.path) or _problem_brought(place, own)
    problem = problem or ("" if moves else _problem_there(layout, place, where, followed(where)))
    if problem:
        return replace(told, problem=f"{place.setting}: {problem}")
    if source and moves:
        problem = adopt.obstacle(layout, place, source, where)
        # Who reads it in its old place goes another way from then on.
        notice = unfit(layout.home, layout.app, is_folder=True)
        told = replace(told, how="adopted", source=str(source), notice=notice)
        return replace(told, problem=problem and f"adopt: {problem}")
    return _begun_as(layout, code, place, told, until)


def _begun_as(layout: Layout, code: Path, place: Place, told: SharedPlace, until: float) -> SharedPlace:
    """What it begins as where it is not there, and where it is, what the commit has otherwise."""
    where, own = Path(told.place), code / place.path
    brought = kind_of(own)
    files = _files(own, until) if brought == "folder" else {"": own} if brought == "file" else {}
    if followed(where) != "missing":
        # Of a database the other content is what it is for.
        files = {} if place.is_database else files
        differ = [name for name, file in files.items() if _differs(file, where / name, until)]
        return replace(told, differ=tuple(differ[:NAMED]), files=len(differ))
    if files:
        return replace(told, how="copied", files=len(files))
    meant = _meant(layout, code, place)
    if place.is_folder or place.is_database:
        return replace(told, how="new", notice=meant)
    begins = f"the commit has no {place.path} to begin with{f' ({meant})' if meant else ''}"
    return replace(
        told,
        problem=f"{place.setting}: {where} is not there, and {begins}: put it there, as in {_install(layout, where)}, "
        "or say where it is, with adopt",
    )


def _meant(layout: Layout, code: Path, place: Place) -> str:
    """What to write where a path of the project's folder may be meant: paths begin at the code's top.

    Nothing where the code has anything that the path begins with, or the project is at the top itself.
    """
    first = place.path.partition("/")[0]
    if kind_of(code / "manage.py") != "missing" or kind_of(code / first) != "missing":
        return ""
    folders = [one for one in names(code) if kind_of(code / one) == "folder" and (code / one / "manage.py").is_file()]
    folder = layout.settings.project_dir or (folders[0] if len(folders) == 1 else "")
    if not folder:
        return ""
    inside = posixpath.normpath(posixpath.join(folder, place.path))
    write = f"{place.setting}: {{{place.name}: {inside}}}"
    return (
        f"the code has no {first} at its top, and its manage.py is in {folder}: where {inside} is meant, write {write}"
    )


def _problem_there(layout: Layout, place: Place, where: Path, kind: str) -> str:
    wanted = "folder" if place.is_folder else "file"
    if kind == "missing":
        return ""
    if kind != wanted:
        return f"{where} is a {kind}, and has to be a {wanted}: move it away"
    info = os.stat(str(where))
    needed = place.is_folder or place.is_database
    if needed and not may_write(layout.app, info) and not has_list(where):
        own = info.st_uid == pwd.getpwnam(layout.app).pw_uid
        do = f"chmod u+w {where}" if own else f"chown -R {layout.app}: {where}"
        return f"{layout.app} can't write to {where}: {do}"
    return ""


def _problem_brought(place: Place, own: Path) -> str:
    kind = kind_of(own)
    if kind == "folder" and (own / ".git").exists():
        return f"{place.path} is a submodule of the code, and can't be shared"
    if kind not in ("missing", "link", "folder" if place.is_folder else "file"):
        other = "shared_files" if place.is_folder else "shared_dirs"
        return f"the commit has a {kind} at {place.path}: write it into {other} instead, or take it out of the commit"
    return ""


def _install(layout: Layout, where: Path) -> str:
    return f"install -D -o {layout.app} -m 640 FILE {where}"


def _files(folder: Path, until: float) -> dict[str, Path]:
    """What is in a directory of the commit besides directories and placeholders, by its path in there."""
    found = [Path(path) for path, info in walk(str(folder), until=until) if not stat.S_ISDIR(info.st_mode)]
    return {str(path.relative_to(folder)): path for path in sorted(found) if path.name not in PLACEHOLDERS}


def _differs(brought: Path, kept: Path, until: float) -> bool:
    """Whether visitors get something else than the commit has: another file, or none."""
    try:
        mine, other = os.lstat(str(brought)), os.stat(str(kept))
    except OSError:
        return True
    if not stat.S_ISREG(mine.st_mode) or not stat.S_ISREG(other.st_mode):
        return not stat.S_ISLNK(mine.st_mode)
    return mine.st_size != other.st_size or content_hash(brought) != content_hash(kept)
