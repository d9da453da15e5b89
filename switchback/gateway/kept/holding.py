"""One run that changes something at a time; whoever comes meanwhile is told who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(_holder(lock.read(1000))) from None
        lock.truncate(0)
        lock.write(json.dumps({"who": who, "what": what, "since": time.time()}))
        lock.flush()
        yield


def _holder(text: str) -> str:
    try:
        told = json.loads(text)
        since = time.strftime("%H:%M:%S UTC", time.gmtime(told["since"]))
        who, what, ago = str(told["who"]), str(told["what"]), int(time.time() - told["since"])
    except (ValueError, KeyError, TypeError):
        # Its holder is just about to write it.
        return "another run has just begun"
    return f"{one_line(cut(who, 100))} has a {one_line(cut(what, 100))} on, since {since} ({ago} s ago)"
