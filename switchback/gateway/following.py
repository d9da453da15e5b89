"""A run on its way: what it says goes to whoever has asked, as it comes, and never the other way round."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

# How much of what is said waits for somebody who doesn't read, and how much a document may be; bytes.
UNREAD, LARGEST = 4_000_000, 64_000_000
# How long the last words may take to get there, seconds.
LAST_WORDS = 10.0
CHUNK = 65536
# How often a run that says nothing is looked at, milliseconds.
QUIET = 1000
GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Asker:
    """Whoever has asked, at the other end of a connection that may be slow, or closed."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.gone = False
        self._unread = bytearray()
        self._was_blocking = os.get_blocking(fd)
        os.set_blocking(fd, False)

    def say(self, said: bytes) -> None:
        """Say something, which is heard as the connection lets it through. Who never reads misses what is too much."""
        if len(self._unread) < UNREAD:
            self._unread += said
        self.write()

    def write(self) -> None:
        """Have as much heard as is possible now."""
        try:
            while self._unread and not self.gone:
                del self._unread[: os.write(self.fd, self._unread[:CHUNK])]
        except BlockingIOError:
            return
        except OSError:
            self.gone = True

    @property
    def waits_for(self) -> int:
        """What to wait for at this end, besides that it is gone."""
        return select.POLLOUT if self._unread else 0

    def finish(self) -> None:
        """Have the rest heard, if that is soon."""
        end = time.monotonic() + LAST_WORDS
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        while self._unread and not self.gone and time.monotonic() < end:
            poll.poll(LAST_WORDS * 1000)
            self.write()
        os.set_blocking(self.fd, self._was_blocking)


@dataclass(frozen=True)
class Run:
    """How a run's process has ended.

    + code: its exit code; document: what it has said on its standard output; left: whether nobody was there any more
    """

    code: int
    document: bytes
    left: bool


def follow(
    argv: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    asker: Asker,
    overheard: Callable[[bytes], None],
    *,
    as_json: bool,
) -> Run:
    """Start a run, and tell the asker all that it says to people until it has ended.

    Where the asker goes away, the run is told what a terminal that is closed tells it: each host falls back at once, or
    goes on to its commit where that has begun. A signal that we get, it gets.

    + overheard: is given all that is said to people
    + as_json: whether its standard output is a document, and not for people as well
    """
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if as_json else subprocess.STDOUT,
        start_new_session=True,
        umask=0o077,
    )

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    signals = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, pass_on) for number in signals}
    try:
        document = _relay(process, asker, overheard)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    asker.finish()
    return Run(code, document, asker.gone)


def _relay(process: subprocess.Popen[bytes], asker: Asker, overheard: Callable[[bytes], None]) -> bytes:
    document, told = bytearray(), False
    ends = [end.fileno() for end in (process.stdout, process.stderr) if end]
    # The last of them is for people.
    err, open_ends = ends[-1], set(ends)
    while open_ends:
        poll = select.poll()
        for end in open_ends:
            poll.register(end, select.POLLIN)
        if not asker.gone:
            poll.register(asker.fd, asker.waits_for)
        found = poll.poll(QUIET)
        if not found and process.poll() is not None:
            # It has ended; what it has left running may hold the other end as long as it likes.
            break
        for fd, events in found:
            if fd == asker.fd:
                asker.gone = asker.gone or bool(events & GONE)
                asker.write()
                continue
            said = os.read(fd, CHUNK)
            if not said:
                open_ends.discard(fd)
            elif fd == err:
                overheard(said)
                asker.say(said)
            elif len(document) < LARGEST:
                document += said
        if asker.gone and not told:
            told = True
            process.send_signal(signal.SIGHUP)
    return bytes(document)
