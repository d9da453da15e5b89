"""Making what outlives the versions, and linking a version to it. It is done as the app's user, one after the other,
and each is there as a whole or not at all: a build may be killed anywhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from agent.host.command import Runner
from agent.host.files import put, remove, sync_folder
from agent.host.users import acting_as
from agent.shared import adopt
from agent.shared.kinds import blocked, kind_of
from agent.shared.places import Place, places
from agent.versions.layout import Layout
from agent.words.foreseen import SharedPlace

# For the web server to read; of a database it has no need.
FOLDER, DATABASE = 0o755, 0o640


def lay(runner: Runner, layout: Layout, code: Path, found: Sequence[SharedPlace]) -> None:
    """Make what is not there yet, and link the code to all of it.

    + runner: the app's; found: what `look` has found, without a problem

    Raises OSError, CommandFailed.
    """
    for place, told in zip(places(layout.settings), found):
        if told.how == "adopted":
            with acting_as(layout.app):
                _ready(layout, place)
            adopt.take_over(runner, layout, Path(told.source), layout.shared / place.name)
        elif told.how != "there":
            _make(runner, layout, place, code / place.path if told.how == "copied" else None)
        with acting_as(layout.app):
            _link(code, place.path, layout.shared / place.name)


def _make(runner: Runner, layout: Layout, place: Place, brought: Path | None) -> None:
    """Make it beside its place, and put it there once it is whole.

    + brought: what the commit has, which it begins as
    """
    where = layout.shared / place.name
    with acting_as(layout.app):
        _ready(layout, place)
        new = where.with_name(f".{where.name}.switchback")
        _clear(new)
        if brought is None and place.is_folder:
            new.mkdir(mode=FOLDER)
        elif brought is None:
            put(new, b"")
    if brought is not None:
        runner.run(["cp", "--archive", "--", str(brought), str(new)])
        runner.run(["sync", "--file-system", str(new)])
    with acting_as(layout.app):
        if place.is_database:
            new.chmod(DATABASE)
        if place.is_folder:
            os.rename(str(new), str(where))
        else:
            # A rename would put it over what somebody has laid there meanwhile.
            os.link(str(new), str(where))
            new.unlink()
        sync_folder(where.parent)


def _ready(layout: Layout, place: Place) -> None:
    layout.shared.mkdir(mode=FOLDER, exist_ok=True)
    folders_to(layout.shared, place.name)


def folders_to(top: Path, path: str) -> None:
    """Make the folders that lead to a path below a folder. Raises OSError where anything else is among them."""
    above = top
    for part in path.split("/")[:-1]:
        above /= part
        with contextlib.suppress(FileExistsError):
            above.mkdir(mode=FOLDER)
    problem = blocked(top, path)
    if problem:
        raise NotADirectoryError(problem)


def _link(code: Path, path: str, where: Path) -> None:
    """Have a path of the code lead to where it is shared; what the commit has there was looked at before."""
    folders_to(code, path)
    link = code / path
    _clear(link)
    link.symlink_to(where)


def _clear(path: Path) -> None:
    kind = kind_of(path)
    if kind == "folder":
        remove(path)
    elif kind != "missing":
        path.unlink()
