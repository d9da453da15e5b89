"""Where the agent keeps what it knows, and the lock that lets one deploy run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

# Where the agent is, and what is started to run it.
LIBRARY = Path("/usr/local/lib/switchback")
LAUNCHED = LIBRARY / "switchback-agent"


@dataclass(frozen=True)
class State:
    """The agent's own folder; root's, and nobody else's."""

    root: Path = Path("/var/lib/switchback")

    @property
    def lock(self) -> Path:
        """A file that names the deploy that holds this host."""
        return self.root / "lock"

    @property
    def history(self) -> Path:
        """A line of JSON for each transaction that ended."""
        return self.root / "history.jsonl"

    def transaction(self, deploy: str) -> Path:
        """The folder of one deploy: its journal, its output, its evidence."""
        return self.root / "transactions" / deploy

    def mark(self, version: str) -> Path:
        """What is known of a version: working, failed, pinned."""
        return self.root / "marks" / (version + ".json")

    def create(self) -> None:
        """Make the folders; a second call changes nothing."""
        for folder in (self.root, self.root / "transactions", self.root / "marks"):
            # What programs have printed is kept here, and nobody can say what that is.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class Held(Exception):
    """Another deploy holds the lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def take_lock(state: State, deploy: str) -> None:
    """Take the host for a deploy. link(2) either makes the name or fails, so exactly one of many wins.

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
    """Keep the agent on this host from being replaced meanwhile.

    + but_for_us: whether this is who replaces it: then no deploy begins meanwhile
    """
    with (state.root / "agent.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if but_for_us else fcntl.LOCK_SH)
        yield


def lock_holder(state: State) -> str | None:
    """The deploy that holds this host, or None."""
    try:
        return state.lock.read_text().strip()
    except FileNotFoundError:
        return None


def free_lock(state: State, deploy: str) -> None:
    """Give the host back; a lock that belongs to another deploy is left alone."""
    if lock_holder(state) == deploy:
        _new_lock(state, deploy).unlink(missing_ok=True)
        state.lock.unlink()
        sync_folder(state.root)


def sync_folder(folder: Path) -> None:
    """Make a created, renamed or removed name survive a power cut."""
    fd = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part."""
    fd, name = tempfile.mkstemp(prefix=".new-", dir=str(path.parent))
    try:
        with os.fdopen(fd, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.rename(name, str(path))
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(path.parent)


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Add a line of JSON to a file and wait until it is on disk. Raises OSError, and leaves no part of a line then."""
    line = json.dumps(record).encode() + b"\n"
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and _cut_short(file):
            line = b"\n" + line
        try:
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def _cut_short(file: BinaryIO | Any) -> bool:
    """Whether the last line has no end, because what wrote it was killed."""
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) != b"\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file of lines; a line cut short by a crash is passed over."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return []
    records = []
    for line in text.split("\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records
