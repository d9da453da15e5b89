"""Room set aside before anything is changed, so that a full disk can't keep a deploy from being taken back."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from agent.host.files import remove
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.versions.layout import Layout


@dataclass(frozen=True)
class Room:
    """How much is set aside: bytes, and files that can then be made."""

    bytes: int
    files: int


# A new link needs a block of its directory at the most, and an inode.
LINKS = Room(bytes=256 * 1024, files=64)


def set_aside(folder: Path, room: Room) -> None:
    """Take the room on a file system. Raises OSError when there is none.

    + folder: on that file system; made for this, and for nothing else
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(room.files):
        (folder / str(number)).touch()
    with (folder / "room").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.bytes)


def give_back(folder: Path) -> None:
    """Free the room: a fallback is about to need it, or the deploy has ended. Without any there is nothing to do."""
    with contextlib.suppress(OSError):
        remove(folder)


def set_aside_for_links(layout: Layout) -> None:
    """Take the room for putting the links back, where they are. Raises OSError when there is none."""
    with acting_as(layout.app):
        set_aside(layout.own / "reserve", LINKS)


def give_back_for_links(layout: Layout) -> None:
    """Free the room for the links."""
    with acting_as(layout.app):
        give_back(layout.own / "reserve")
