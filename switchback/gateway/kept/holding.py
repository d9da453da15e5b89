"""One run that changes something at a time; whoever comes meanwhile is told who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.text.lines import cut, one_line


class Held(Exception):
    """Somebody else's run is on, whose and since when."""


@contextmanager
def held(file: Path, who: str, what: str) -> Iterator[None]:
    """Hold the gateway while a run is on. Raises Held where another one is.

    It is let go with the process, however that ends.

    + who: the key's name; what: the run
    """
    # Unbuffered: what could not be written is not tried once more when it is closed.
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(_holder(lock.read(1000))) from None
        # The lock is what holds, and this only says whose it is: a full disk keeps nobody from a revert.
        with suppress(OSError):
            lock.truncate(0)
            lock.write(json.dumps({"who": who, "what": what, "since": time.time()}).encode())
        yield


def _holder(text: bytes) -> str:
    try:
        told = json.loads(text)
        since = time.strftime("%H:%M:%S UTC", time.gmtime(told["since"]))
        who, what, ago = str(told["who"]), str(told["what"]), int(time.time() - told["since"])
    except (ValueError, KeyError, TypeError):
        # Its holder is just about to write it, or could not.
        return "another run has just begun"
    return f"{one_line(cut(who, 100))} has a {one_line(cut(what, 100))} on, since {since} ({ago} s ago)"
