"""The secrets of a site: root's to write, and for the app's group to read. They belong to no version."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping

from agent.environment.fingerprint import changes
from agent.environment.launcher import read_pairs
from agent.host.files import sync_folder, write_whole
from agent.host.reading import read_text
from agent.state import State

# What they may all be, bytes.
LARGEST = 4_000_000


def text(state: State) -> str | None:
    """The text of the file that they are in; None where a site has none. Raises OSError."""
    try:
        return read_text(state.secrets, LARGEST)
    except FileNotFoundError:
        return None


def read(found: str | None) -> dict[str, str]:
    """The secrets of such a text. Raises ValueError, and shows no value then."""
    return read_pairs(found) if found is not None else {}


def to_change(state: State, told: Mapping[str, str] | None) -> dict[str, str]:
    """What becomes of each secret of the site that does not stay as it is: by its name.

    + told: those that it is to have; None where they stay
    """
    if told is None:
        return {}
    try:
        return changes(read(text(state)), told)
    except (OSError, ValueError):
        # What nobody can read is written anew.
        return dict.fromkeys(sorted(told), "changed")


def write(state: State, app: str, told: Mapping[str, str]) -> None:
    """Write the secrets that the site is to have. Raises OSError."""
    put(state, app, json.dumps(dict(told), indent=2, sort_keys=True) + "\n" if told else None)


def put(state: State, app: str, found: str | None) -> None:
    """Have the file be as it is to be, or not be there: a reader finds all of the old one, or all of the new one.

    Done twice it does no more than done once. Raises OSError.
    """
    file, group = state.secrets, pwd.getpwnam(app).pw_gid
    if found is None:
        file.unlink(missing_ok=True)
        if file.parent.is_dir():
            sync_folder(file.parent)
        return
    for folder, mode in ((file.parent.parent, 0o755), (file.parent, 0o750)):
        folder.mkdir(exist_ok=True)
        # Whatever is usual on the host for what root makes: the app has to get there.
        folder.chmod(mode)
    os.chown(file.parent, 0, group)
    write_whole(file, found, 0o640, group)
