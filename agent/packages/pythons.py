"""The Python that the settings ask for: a command or a path, or a release (3.13), which is the host's own or uv's."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from agent.host.reading import matching
from agent.host.users import PATH
from agent.inside.lean import dataclass
from agent.locks.documents import Unusable
from agent.locks.releases import order
from agent.words.settings import asks_for_release


@dataclass(frozen=True)
class Python:
    """The Python that the settings ask for.

    + asked: as they say it; path: where it is, None where it is not there
    + by_uv: whether uv has brought it, or is to
    """

    asked: str
    path: str | None
    by_uv: bool = False

    @property
    def to_fetch(self) -> str:
        """The release that uv is to fetch; empty where nothing is."""
        return self.asked if self.by_uv and self.path is None else ""


def uv_of(home: Path) -> str | None:
    """Where uv is, for an app with this home; None where the host has none."""
    return shutil.which("uv", path=f"/usr/local/bin:/usr/bin:/bin:{home / '.local/bin'}")


def folder_of(own: Path) -> Path:
    """Where uv puts the Pythons that it brings: in a place of the app's, which can run them.

    + own: our folder among the versions
    """
    return own / "python"


def locate(asked: str, own: Path, uv: str | None) -> Python:
    """Look for the Python that the settings ask for. Nothing is run.

    + own: our folder among the versions; uv: where that is
    """
    if not asks_for_release(asked):
        return Python(asked, shutil.which(asked, path=PATH))
    of_host = shutil.which(f"python{asked}", path=PATH)
    if of_host:
        return Python(asked, of_host)
    # uv has a link for each 3.N too, which leads to another one with the next release of it.
    name = f"python{'.'.join(asked.split('.')[:2])}"
    there = [path for path in matching(folder_of(own), f"cpython-{asked}*/bin/{name}") if _is_of(path, asked)]
    newest = max(there, key=lambda path: order(_release(path)), default=None)
    if newest:
        return Python(asked, str(newest), by_uv=True)
    return Python(asked, None, by_uv=uv is not None)


def _release(path: Path) -> str:
    """The release of one of uv's, by its folder's name: `cpython-3.13.1-linux-x86_64-gnu`."""
    return path.parent.parent.name.split("-")[1]


def _is_of(path: Path, asked: str) -> bool:
    folder = path.parent.parent
    found = re.fullmatch(r"cpython-(3\.\d+\.\d+)-[\w-]+", folder.name)
    return found is not None and not folder.is_symlink() and f"{found.group(1)}.".startswith(f"{asked}.")


def there() -> list[str]:
    """The Pythons that the host has of its own, by their releases: `python3.11`."""
    found = {
        path.name
        for folder in dict.fromkeys(PATH.split(":"))
        for path in matching(Path(folder), "python3.*")
        if re.fullmatch(r"python3\.\d+", path.name) and os.access(str(path), os.X_OK)
    }
    return sorted(found, key=lambda name: order(name[len("python") :]))


def why_missing(asked: str, uv: bool) -> str:
    """Why the Python that is asked for can't be had, and what to do."""
    has = ", ".join(there()) or "none"
    if not asks_for_release(asked):
        return f"python: {asked} is not on this host (it has {has}): install it, or change `python` in the settings"
    brings = "" if uv else "; uv, which brings others, is not installed"
    return (
        f"python: {asked} is not on this host (it has {has}{brings}): install python{asked} or uv, or change `python` "
        "in the settings"
    )


def path_of(python: Python) -> str:
    """Where a Python is, or one that answers for it until uv has fetched it. Raises Unusable where there is none."""
    if python.path:
        return python.path
    here = shutil.which("python3", path=PATH) if python.to_fetch else None
    if here is None:
        raise Unusable(why_missing(python.asked, uv=python.by_uv))
    return here
