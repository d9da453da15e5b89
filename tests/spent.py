"""What a test has cost besides its own seconds: the processor's here and on its hosts, and how long those were up. A
busy machine stretches the test's own seconds; these hardly. They are kept in the junit file, with each test."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.forked import FORKED

if TYPE_CHECKING:
    from tests.bed.hosts import Host

HERE, ON_HOSTS, HOSTS_UP = "processor here", "processor on hosts", "hosts up"


@dataclass
class _Up:
    """A host that is up.

    + read: what its counter has said last; since: when that was
    """

    host: Host
    read: float
    since: float


class Meter:
    """What all hosts of this process have cost so far, seconds."""

    def __init__(self) -> None:
        self._up: list[_Up] = []
        self._on_hosts = 0.0
        self._hosts_up = 0.0

    def started(self, host: Host) -> None:
        """From now on it costs something."""
        self._up.append(_Up(host, 0.0, time.monotonic()))

    def ends(self, *hosts: Host) -> None:
        """From now on these don't; they are still there."""
        self._take()
        self._up = [one for one in self._up if one.host not in hosts]

    def read(self) -> dict[str, float]:
        """What was spent so far."""
        self._take()
        here = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        used = sum(one.ru_utime + one.ru_stime for one in here) + FORKED.processor_seconds
        return {HERE: used, ON_HOSTS: self._on_hosts, HOSTS_UP: self._hosts_up}

    def _take(self) -> None:
        now = time.monotonic()
        for one in self._up:
            used = one.host.processor_seconds()
            # A reboot starts its counter anew.
            self._on_hosts += used - one.read if used >= one.read else used
            self._hosts_up += now - one.since
            one.read, one.since = used, now


METER = Meter()
