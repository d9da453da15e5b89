"""A worker: a process of its own for one step or one undo, in a cgroup of its own. What hangs, hangs there."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from agent.host.processes import call_this_process
from agent.loop.cgroups import Cgroup
from agent.loop.channel import Channel, Frame

# What a worker does: it is given its end of the pipe, and what it returns is the last that it says.
Job = Callable[[Channel], Frame]
# Signals that mean the loop, and not who is born from it.
LOOPS_OWN = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP)
# The cgroup that this process works in, where it is a worker.
_own: list[Cgroup] = []
# Why there is no answer.
FAILED = "failed"


class Worker:
    """A process that works for the loop.

    + name: what it does, as ps shows it
    + since: when it began; last_line: the last that a command of its has printed
    + answer: the last that it has said; None while it works, and where it died without a word
    + asked_to_stop, was_late, out_of_memory: how it came to its end
    """

    def __init__(self, name: str, pid: int, channel: Channel, cgroup: Cgroup, limit: float | None) -> None:
        self.name, self.pid, self.channel, self.cgroup = name, pid, channel, cgroup
        self.since = time.monotonic()
        self.until = None if limit is None else self.since + limit
        self.last_line = ""
        self.answer: Frame | None = None
        self.asked_to_stop = self.was_late = self.out_of_memory = False

    def ask_to_stop(self, patience: float) -> None:
        """Have it stop what it does, and say so; after that it is killed.

        + patience: how long it may take, seconds
        """
        self.asked_to_stop = True
        self.until = time.monotonic() + patience
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    @property
    def found(self) -> Frame:
        """What it has answered; where it has ended without a word, why."""
        if self.answer is not None:
            return self.answer
        if self.out_of_memory:
            return {FAILED: "it took more memory than it may have, and was killed"}
        return {FAILED: "it took too long and was killed" if self.was_late else "its worker was killed"}

    def is_late(self) -> bool:
        """Whether it works longer than it may."""
        return self.until is not None and time.monotonic() > self.until


def start(name: str, job: Job, cgroup: Cgroup, limit: float | None, not_its: Callable[[], None]) -> Worker:
    """Start a worker. Raises OSError.

    + limit: how long it may take, seconds; None for one that works until it is told to stop
    + not_its: closes, in the worker, what is the loop's alone
    """
    ours, its = socket.socketpair()
    sys.stdout.flush()
    try:
        pid = os.fork()
    except OSError:
        ours.close()
        its.close()
        raise
    if not pid:
        ours.close()
        _work(name, job, cgroup, Channel(its), not_its)
    its.close()
    ours.setblocking(False)
    return Worker(name, pid, Channel(ours), cgroup, limit)


def _work(name: str, job: Job, cgroup: Cgroup, channel: Channel, not_its: Callable[[], None]) -> None:
    """What the new process does, to its end."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in LOOPS_OWN:
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        cgroup.take(0)
        _own[:] = [cgroup]
        not_its()
        call_this_process(name)
        # The loop is what must go on; whoever works for it is as good as anybody else.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("0")
        try:
            answer = job(channel)
        except Exception:  # noqa: BLE001 - told to the loop, which goes on
            answer = {FAILED: "an error in the agent:\n" + traceback.format_exc()}
        channel.send({"answer": answer})
        code = 0
    finally:
        os._exit(code)


def own_cgroup() -> Cgroup | None:
    """The cgroup that this process works in; None where it is no worker."""
    return next(iter(_own), None)
