"""Which process answers. Of several that share a socket, the one that has taken a connection is found by the kernel's
own word, so that a new process is not believed to serve because an old one does."""

from __future__ import annotations

import http.client
import os
import pwd
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent.command import acting_as
from agent.connections import other_end

# How long a process is kept waiting that has taken a connection, so that another one takes the next, seconds.
HELD = 0.1
LOOK = 0.01


@dataclass
class Question:
    """One request on its way.

    + taker: the process that has taken the connection; None where it is one that nobody has named
    + taken_at: since when it has it; 0 while it waits
    """

    connection: http.client.HTTPConnection
    taker: int | None = None
    taken_at: float = 0.0


def ask_at_once(
    number: int, among: Callable[[], Collection[int]], url: str, headers: Mapping[str, str], timeout: float
) -> list[tuple[int | None, int | str]]:
    """Ask so many times at once: what holds one connection leaves the next one to another process.

    Returns for each the process that has taken it, if that was seen, and its status or what went wrong.

    + among: tells the processes that may have taken a connection, anew each time: one may have been born since
    + timeout: how long it may wait to be taken, and to be answered, seconds
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    questions = [Question(http.client.HTTPConnection(parts.netloc, timeout=timeout)) for _ in range(number)]
    try:
        for question in questions:
            question.connection.connect()
        waiting, end = list(questions), time.monotonic() + timeout
        while waiting:
            _find_takers(waiting, among)
            for question in _due(waiting, late=time.monotonic() > end):
                waiting.remove(question)
                question.connection.request("GET", path, headers={"User-Agent": "switchback", **headers})
            time.sleep(LOOK)
        return [(question.taker, _status(question.connection)) for question in questions]
    except (OSError, http.client.HTTPException) as error:
        return [(None, f"does not answer: {error or type(error).__name__}")]
    finally:
        for question in questions:
            question.connection.close()


def _due(waiting: list[Question], late: bool) -> list[Question]:
    """Those that are not held back any longer: all of them, once every one was taken."""
    if late or all(question.taken_at for question in waiting):
        return list(waiting)
    now = time.monotonic()
    return [question for question in waiting if question.taken_at and now - question.taken_at > HELD]


def _find_takers(waiting: list[Question], among: Callable[[], Collection[int]]) -> None:
    """See which process has taken each connection by now."""
    taken = [(question, other_end(question.connection.sock)) for question in waiting if not question.taken_at]
    held = {pid: _descriptors(pid) for pid in among()} if any(number for _, number in taken) else {}
    for question, number in taken:
        if number:
            question.taker = next((pid for pid, files in held.items() if f"socket:[{number}]" in files), None)
            question.taken_at = time.monotonic()


def _status(connection: http.client.HTTPConnection) -> int | str:
    try:
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error or type(error).__name__}"


def _descriptors(pid: int) -> set[str]:
    path = Path(f"/proc/{pid}")
    try:
        return _read_descriptors(path)
    except PermissionError:
        # In some containers not even root may look at another user's process; its owner may.
        try:
            with acting_as(pwd.getpwuid(path.stat().st_uid).pw_name):
                return _read_descriptors(path)
        except (OSError, KeyError):
            return set()
    except OSError:
        return set()


def _read_descriptors(path: Path) -> set[str]:
    found = set()
    for name in os.listdir(str(path / "fd")):
        try:
            found.add(os.readlink(str(path / "fd" / name)))
        except FileNotFoundError:
            continue
    return found
