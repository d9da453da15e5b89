"""What visitors notice of a run: the site is asked again and again while the live version may change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from agent.host import http
from agent.service.health import headers_for
from agent.transaction.maintenance import restart_mode
from agent.transaction.progress import Progress
from agent.words.notes import Asked, Out, Probed

# How often an address is asked, seconds; the app itself less often where it is not meant to be out; and how long one
# answer may take.
EVERY, NOW_AND_THEN = 0.05, 0.25
ANSWER_TIMEOUT = 5.0
# After a good answer an address is left alone for so many times as long as it took, up to so many seconds: who needs
# long for one has visitors to serve.
RESTS, LONGEST_REST = 3, 1.0
# How many outages are told one by one; what comes after is told as one with the last of them.
MOST_OUT = 100


class Probe(threading.Thread):
    """Asks one address until it is told to stop.

    + expected: the statuses that are right
    + every: how often it asks, seconds
    """

    def __init__(self, url: str, headers: Mapping[str, str], expected: Sequence[int], every: float = EVERY) -> None:
        super().__init__(daemon=True)
        self._every = every
        self._url, self._headers, self._expected = url, headers, expected
        self._enough = threading.Event()
        self.asked = self.failed = 0
        self.outage = 0.0
        self._out: list[Out] = []

    def run(self) -> None:
        """Ask, and add up. An outage lasts from the first question that fails to the next one that doesn't."""
        out_since, before = None, 0
        while not self._enough.is_set():
            began = time.monotonic()
            good = self._ask()
            self.asked += 1
            if not good:
                self.failed += 1
                out_since, before = (began, self.failed - 1) if out_since is None else (out_since, before)
            elif out_since is not None:
                self._was_out(out_since, began, self.failed - before)
                out_since = None
            self._enough.wait(rest(self._every, time.monotonic() - began, good))
        if out_since is not None:
            self._was_out(out_since, time.monotonic(), self.failed - before)

    def _was_out(self, since: float, until: float, failed: int) -> None:
        """Note an outage.

        + since, until: by the monotonic clock
        """
        self.outage += until - since
        to_epoch = time.time() - time.monotonic()
        one = Out(round(since + to_epoch, 3), round(until + to_epoch, 3), failed)
        if len(self._out) < MOST_OUT:
            self._out.append(one)
        else:
            last = self._out[-1]
            self._out[-1] = Out(last.since, one.until, last.failed + failed)

    def _ask(self) -> bool:
        return http.ask(self._url, self._headers, self._expected, ANSWER_TIMEOUT) is None

    def enough(self) -> None:
        """Have it stop asking."""
        self._enough.set()

    def found(self) -> Asked:
        """What was found, once it has been told to stop."""
        # Nobody waits for an answer that does not come: the question is counted when it does.
        self.join(1.0)
        return Asked(self.asked, self.failed, round(self.outage, 3), tuple(self._out))


def rest(every: float, took: float, good: bool) -> float:
    """How long an address is left alone before it is asked again, seconds.

    + every: how often it is asked if it answers quickly
    + took: how long its answer has taken; + good: whether it was a good one

    >>> rest(0.05, 0.01, good=True), round(rest(0.05, 0.2, good=True), 1), rest(0.05, 0.2, good=False)
    (0.04, 0.6, 0.0)
    """
    return max(every - took, min(RESTS * took, LONGEST_REST) if good else 0.0)


def ask(progress: Progress, enough: Callable[[], object]) -> Probed:
    """Ask until it is enough: the site as visitors reach it, and the app itself. Returns what was found.

    + progress: what the run set out to do, and has decided
    + enough: returns when it is
    """
    settings, out = progress.begin.settings, restart_mode(progress).interrupts
    every = EVERY if out else NOW_AND_THEN
    probes = (
        Probe(settings.website_url, {}, settings.site_status),
        Probe(settings.health_url, headers_for(settings), settings.health_status, every),
    )
    since = round(time.time(), 3)
    for probe in probes:
        probe.start()
    enough()
    for probe in probes:
        probe.enough()
    site, app = (probe.found() for probe in probes)
    return Probed(site, app, since)
