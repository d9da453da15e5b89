"""Who talks to the runner: each asks for one thing, is told what there is to say of it, and then how it has ended."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

from agent.host.output import as_said
from agent.words.requests import Request, read_request
from agent.words.result import News, Result, framed, framed_news

# No request is longer, bytes; and who reads slower than so much is behind is left, bytes.
LONGEST, BEHIND = 16 * 1024 * 1024, 64 * 1024 * 1024
PART = 256 * 1024


class Client:
    """A connection to the runner.

    + request: what it has asked for; None before
    + told: how many entries of the run's script it was told; news: what it was told last that the host is at, and when
    """

    def __init__(self, connection: socket.socket, closes: Callable[[socket.socket], object]) -> None:
        connection.setblocking(False)
        self.connection, self._closes = connection, closes
        self.request: Request | None = None
        self.told = 0
        self.news, self.news_at = News(), 0.0
        self.has_ended = False
        self._come, self._left = b"", bytearray()

    def hear(self) -> Request | None:
        """What it asks for, once that has come whole. Raises Unreadable."""
        try:
            part = self.connection.recv(PART)
        except BlockingIOError:
            return None
        except OSError:
            part = b""
        if not part or len(self._come) > LONGEST:
            # Whoever is gone changes nothing by it.
            self.close()
            return None
        self._come += part
        if self.request is not None or b"\n" not in self._come:
            return None
        _, self.request = read_request(self._come.decode(errors="replace"))
        return self.request

    def tell(self, line: str) -> None:
        """Send it a line, when it can take it."""
        self._left += (as_said(line) + "\n").encode()
        self.flush()

    def tell_news(self, news: News) -> None:
        """Send it what the host is at."""
        self.news, self.news_at = news, time.monotonic()
        self._left += (framed_news(news) + "\n").encode()
        self.flush()

    def end(self, result: Result) -> None:
        """Send it how that has ended, and hang up."""
        self._left += (framed(result) + "\n").encode()
        self.has_ended = True
        self.flush()

    @property
    def is_behind(self) -> bool:
        """Whether it has yet to take what it was sent."""
        return bool(self._left)

    @property
    def is_closed(self) -> bool:
        """Whether it is gone."""
        return self.connection.fileno() < 0

    def flush(self) -> None:
        """Send what it can take."""
        if self.is_closed:
            return
        try:
            while self._left:
                del self._left[: self.connection.send(self._left)]
        except BlockingIOError:
            if len(self._left) > BEHIND:
                self.close()
            return
        except OSError:
            self.close()
            return
        if self.has_ended:
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self.is_closed:
            return
        self._left.clear()
        self._closes(self.connection)
        with contextlib.suppress(OSError):
            self.connection.close()
