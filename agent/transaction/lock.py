"""The lock that lets one deploy at a time hold a site of this host."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from agent.host.files import sync_folder
from agent.host.reading import read_text
from agent.state import State


class Held(Exception):
    """Another deploy holds the lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def take_lock(state: State, deploy: str) -> None:
    """Take the site for a deploy. link(2) either makes the name or fails, so exactly one of many wins.

    Raises Held when another deploy has it.
    """
    new = _new_lock(state, deploy)
    try:
        with new.open("w") as file:
            file.write(deploy + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(str(new), str(state.lock))
        sync_folder(state.root)
    except FileExistsError:
        raise Held(lock_holder(state) or "a deploy that has just ended") from None
    finally:
        new.unlink(missing_ok=True)


def _new_lock(state: State, deploy: str) -> Path:
    """What becomes the lock, under the deploy's own name, so that it is found again if we are killed right then."""
    return state.root / f".lock-{deploy}"


@contextlib.contextmanager
def agent_stays(state: State, but_for_us: bool = False) -> Iterator[None]:
    """Keep the agent of the site from being replaced meanwhile.

    + but_for_us: whether this is who replaces it: then no deploy begins meanwhile
    """
    with state.agent_lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if but_for_us else fcntl.LOCK_SH)
        yield


def lock_holder(state: State) -> str | None:
    """The deploy that holds the site, or None."""
    try:
        return read_text(state.lock).strip()
    except FileNotFoundError:
        return None


def free_lock(state: State, deploy: str) -> None:
    """Give the site back, and forget what the deploy was given; a lock that belongs to another one is left alone."""
    if lock_holder(state) == deploy:
        state.given(deploy).unlink(missing_ok=True)
        _new_lock(state, deploy).unlink(missing_ok=True)
        state.lock.unlink()
        sync_folder(state.root)
