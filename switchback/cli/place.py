"""Where a project has its settings: a folder `deploy` with a file for each environment, found as git finds its own."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

FOLDER = "deploy"
# What all environments share.
SHARED = "all"
NO_ENVIRONMENT = f"{FOLDER}/{SHARED}.yml is what all environments share, and none itself"
DEFAULT = "prod"


@dataclass(frozen=True)
class Place:
    """An environment of a project.

    + root: the folder that `deploy` is in: runs are done there, and paths in the settings begin there
    """

    root: Path
    environment: str

    @property
    def settings(self) -> Path:
        """The environment's file, from the root."""
        return Path(FOLDER, f"{self.environment}.yml")

    @property
    def inventory(self) -> Path | None:
        """An inventory of the project's own, from the root, where it has one."""
        own = self.settings.with_suffix(".py")
        return own if (self.root / own).is_file() else None


def find(here: Path, environment: str) -> Place | None:
    """The environment of the project that a folder is in; None where there is none of that name there or above."""
    for root in (here, *here.parents):
        place = Place(root, environment)
        if (root / place.settings).is_file():
            return place
    return None


def of_others(place: Place) -> list[Path]:
    """What there is of the settings that is neither ours nor root's: whoever put it there would have us run it.

    Root works in other people's folders; it is only kept from what anybody can have put into a folder of all.
    """
    ours = {0, os.geteuid()}
    of_all = place.root.stat().st_mode & stat.S_IWOTH
    folder = place.root / FOLDER
    files = (
        folder,
        *(folder / name for name in (f"{place.environment}.yml", f"{place.environment}.py", f"{SHARED}.yml")),
    )
    found = [one for one in files if one.exists() and one.stat().st_uid not in ours]
    return found if of_all or os.geteuid() else []


def environments(here: Path) -> list[str]:
    """The environments that there are, here or else above."""
    for root in (here, *here.parents):
        there = sorted(one.stem for one in (root / FOLDER).glob("*.yml") if one.stem != SHARED)
        if there:
            return there
    return []
