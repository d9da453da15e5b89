"""What visitors notice of a run: the site is asked again and again while the live version may change. The threads that
ask end with the process that started them, however that ends."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from agent.health import headers_for

Note = dict[str, Any]

# How often each address is asked, seconds, and how long one answer may take.
EVERY = 0.05
ANSWER_TIMEOUT = 5.0


class Probe(threading.Thread):
    """Asks one address until it is told to stop.

    + expected: the statuses that are right
    """

    def __init__(self, url: str, headers: Mapping[str, str], expected: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._parts, self._headers, self._expected = urlsplit(url), {"User-Agent": "switchback", **headers}, expected
        self._tls = ssl.create_default_context() if self._parts.scheme == "https" else None
        self._enough = threading.Event()
        self.asked = self.failed = 0
        self.outage = 0.0

    def run(self) -> None:
        """Ask, and add up. An outage lasts from the first question that fails to the next one that doesn't."""
        out_since = None
        while not self._enough.is_set():
            began = time.monotonic()
            good = self._ask()
            self.asked += 1
            if not good:
                self.failed += 1
                out_since = began if out_since is None else out_since
            elif out_since is not None:
                self.outage += began - out_since
                out_since = None
            self._enough.wait(max(0.0, began + EVERY - time.monotonic()))
        if out_since is not None:
            self.outage += time.monotonic() - out_since

    def _ask(self) -> bool:
        try:
            connection = self._connection()
            try:
                path = (self._parts.path or "/") + ("?" + self._parts.query if self._parts.query else "")
                connection.request("GET", path, headers=self._headers)
                return connection.getresponse().status in self._expected
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return False

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(self._parts.netloc, timeout=ANSWER_TIMEOUT, context=self._tls)
        return http.client.HTTPConnection(self._parts.netloc, timeout=ANSWER_TIMEOUT)

    def enough(self) -> None:
        """Have it stop asking."""
        self._enough.set()

    def found(self) -> Note:
        """What was found, once it has been told to stop."""
        # Nobody waits for an answer that does not come: the question is counted when it does.
        self.join(1.0)
        return {"asked": self.asked, "failed": self.failed, "outage": round(self.outage, 3)}


_probes: dict[str, Probe] = {}


def watch(begin: Note) -> None:
    """Begin to ask, if nobody does yet: the site as visitors reach it, and the app itself.

    + begin: what the run set out to do
    """
    if _probes or begin.get("bare"):
        return
    settings = begin["settings"]
    _probes["site"] = Probe(settings["website_url"], {}, settings["site_status"])
    _probes["app"] = Probe(settings["health_url"], headers_for(settings), settings["health_status"])
    for probe in _probes.values():
        probe.start()


def found() -> Note:
    """Stop asking. Returns what was found, by the word for the address; empty where nobody asks."""
    for probe in _probes.values():
        probe.enough()
    answers = {word: probe.found() for word, probe in _probes.items()}
    _probes.clear()
    return answers
