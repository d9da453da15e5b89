"""A spare environment: that of a version that was deleted, kept for the next one that has the same packages. It has
nearly all that is linked into that one, and so thousands of links are neither made nor deleted at each deploy."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from agent.command import acting_as
from agent.layout import Layout


def keep(layout: Layout, mark: str | None, venvs: Iterable[Path], trash: Path) -> None:
    """Keep one of some environments that were moved out of the way, and throw away what was kept before, if it is no
    use any more. Raises OSError; nothing is lost by then but time.

    + mark: the fingerprint of the live version's environment, and of these; None when none is to be kept
    + trash: the folder for what is to be deleted
    """
    place = _place(layout)
    with acting_as(layout.app):
        place.mkdir(parents=True, exist_ok=True)
        for old in sorted(place.iterdir()):
            if old.name != mark:
                trash.mkdir(parents=True, exist_ok=True)
                os.rename(str(old), str(trash / old.name))
        if mark is None or (place / mark).exists():
            return
        for venv in venvs:
            # A folder that is moved has to be writable itself.
            venv.chmod(0o755)
            os.rename(str(venv), str(place / mark))
            return


def take(layout: Layout, mark: str | None, venv: Path) -> bool:
    """Move the spare to where an environment is to be made. Returns whether there was one of that fingerprint."""
    spare = _place(layout) / str(mark)
    if mark is None or spare.is_symlink() or not spare.is_dir():
        return False
    try:
        os.rename(str(spare), str(venv))
    except OSError:
        # In an image of a container, say, whose folders can't be moved: all is linked, as without a spare.
        return False
    return True


def throw_away(layout: Layout, venv: Path) -> None:
    """Move an environment that was made of the spare, and can't be one, to what the next clean deletes."""
    layout.trash.mkdir(exist_ok=True)
    os.rename(str(venv), str(layout.trash / f"{venv.parent.name}-{venv.name}"))


def _place(layout: Layout) -> Path:
    return layout.own / "spare"
