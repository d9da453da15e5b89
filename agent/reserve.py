"""Room set aside before the window opens, so that a full disk can't keep the links from going back."""

from __future__ import annotations

import os
import shutil

from agent.command import acting_as
from agent.layout import Layout

# A new link needs a block of its directory at the most, and an inode.
BYTES = 256 * 1024
FILES = 64


def set_aside(layout: Layout) -> None:
    """Take the room on the file system that the links are on. Raises OSError when there is none."""
    with acting_as(layout.app):
        folder = layout.own / "reserve"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(FILES):
            (folder / str(number)).touch()
        with (folder / "room").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, BYTES)


def give_back(layout: Layout) -> None:
    """Free the room: a fallback is about to need it, or the deploy has ended. Without any there is nothing to do."""
    with acting_as(layout.app):
        shutil.rmtree(layout.own / "reserve", ignore_errors=True)
