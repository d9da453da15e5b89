"""A spare environment: that of a version that was deleted, kept for the next one that has the same packages. It has
nearly all that is linked into that one, and so thousands of links are neither made nor deleted at each deploy.

After a deploy, when nobody waits any more, it is made the same as the live version's, and it is written down how it was
left then: as long as nothing has been changed since, there or in that version, nothing has to be compared."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from agent.host.files import write_whole
from agent.host.reading import matching, walk
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.versions.layout import Layout
from agent.versions.marks import read_json
from agent.words.shapes import read


def keep(layout: Layout, fingerprint: str | None, venvs: Iterable[Path], trash: Path) -> None:
    """Keep one of some environments that were moved out of the way, and throw away what was kept before, if it is no
    use any more. Raises OSError; nothing is lost by then but time.

    + fingerprint: that of the live version's environment, and of these; None when none is to be kept
    + trash: the folder for what is to be deleted
    """
    place = layout.own / "spare"
    with acting_as(layout.app):
        place.mkdir(parents=True, exist_ok=True)
        for old in matching(place, "*"):
            if old.name != fingerprint:
                trash.mkdir(parents=True, exist_ok=True)
                _let_move(old)
                os.rename(str(old), str(trash / old.name))
        if fingerprint is None or (place / fingerprint).exists():
            return
        for venv in venvs:
            _let_move(venv)
            os.rename(str(venv), str(place / fingerprint))
            return


def _let_move(folder: Path) -> None:
    """A folder that is moved has to be writable itself."""
    if folder.is_dir() and not folder.is_symlink():
        folder.chmod(0o755)


def at(layout: Layout, fingerprint: str | None) -> Path | None:
    """Where the spare of that fingerprint is; None where there is none."""
    spare = layout.own / "spare" / str(fingerprint)
    return spare if fingerprint and spare.is_dir() and not spare.is_symlink() else None


def take(layout: Layout, fingerprint: str | None, venv: Path) -> bool:
    """Move the spare to where an environment is to be made. Returns whether there was one of that fingerprint."""
    spare = at(layout, fingerprint)
    if spare is None:
        return False
    try:
        os.rename(str(spare), str(venv))
    except OSError:
        # In an image of a container, say, whose folders can't be moved: all is linked, as without a spare.
        return False
    return True


def throw_away(layout: Layout, venv: Path) -> None:
    """Move an environment that was made of the spare, and can't be one, to what the next clean deletes."""
    layout.trash.mkdir(parents=True, exist_ok=True)
    os.rename(str(venv), str(layout.trash / f"{venv.parent.name}-{venv.name}"))


@dataclass(frozen=True)
class Ready:
    """What is known of a spare that is the same as an environment, but for what names that one's version.

    + lacking: the folders, relative to it, in which something is missing
    + bytes: what it takes on disk
    """

    lacking: tuple[str, ...]
    bytes: int


def changes(venv: Path) -> dict[str, int]:
    """When each folder of an environment was last changed, by its path in it. Raises OSError."""
    found = ((path, info) for path, info in walk(str(venv)) if stat.S_ISDIR(info.st_mode))
    return {os.path.relpath(path, str(venv)): info.st_ctime_ns for path, info in found}


def write_down(spare: Path, venv: Path, folders: Mapping[str, int], ready: Ready) -> None:
    """Write down how a spare was left that was made ready for what an environment is. Raises OSError.

    + folders: the environment's, as `changes` had them before
    """
    left = {name: [_changed(spare / name), changed] for name, changed in folders.items()}
    write_whole(_note(spare), json.dumps({"like": str(venv), "folders": left, **asdict(ready)}) + "\n")


def is_ready(layout: Layout, fingerprint: str | None, venv: Path) -> Ready | None:
    """What is known of the spare, if it was made ready for what an environment is, and nothing has been added to either
    since, taken away, or put in another's place."""
    spare = at(layout, fingerprint)
    if spare is None:
        return None
    try:
        note = read_json(_note(spare))
        ready, left = read(Ready, note, "the note"), note.get("folders")
        if note.get("like") != str(venv) or not isinstance(left, dict):
            return None
        known = "." in left and left.keys() >= set(ready.lacking) and not any(map(_leads_out, left))
        as_left = all([_changed(spare / name), _changed(venv / name)] == when for name, when in left.items())
        return ready if known and as_left else None
    except (OSError, ValueError):
        # The note is the app user's, who may have written anything.
        return None


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")


def _changed(folder: Path) -> int:
    """When anything was last added to a folder, taken away or put in another's place, or its own mode was changed."""
    return os.stat(str(folder), follow_symlinks=False).st_ctime_ns


def _note(spare: Path) -> Path:
    return spare.with_name(spare.name + ".json")
