"""Who works for a run: who does what is due, who asks what visitors get, and what goes on beside the steps."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from agent.host.output import DETAIL, LINE
from agent.loop.cgroups import Cgroup, Limits
from agent.loop.channel import Frame
from agent.loop.loop import Bounds, Loop
from agent.loop.worker import Job, Worker
from agent.runner import jobs
from agent.transaction.transaction import Kept, Transaction
from agent.words.journal import Written
from agent.words.settings import Settings
from agent.words.shapes import read

# How long the last question of what visitors get may take to be answered, seconds.
LAST_QUESTION = 15.0
Then = Callable[[Worker], None]


class Crew:
    """The workers of a run.

    + say: takes what they say: how loud, and the text
    + probed: takes what visitors were seen to get
    """

    def __init__(self, loop: Loop, say: Callable[[str, str], None], probed: Callable[[Written], None]) -> None:
        self._loop, self._say, self._probed = loop, say, probed
        # What each of them may have; nothing bounds who has yet to find out.
        self._limits: Limits | None = None
        self._kept: list[Cgroup] = []
        self._probe: Worker | None = None
        self.at_work: Worker | None = None
        # What they work on, once there is something.
        self.transaction: Transaction | None = None

    def bound(self, settings: Settings) -> None:
        """Bound what each of them may have from now on."""
        self._limits = Limits.of_host(settings.worker_memory, settings.worker_tasks)

    @property
    def is_free(self) -> bool:
        """Whether something can be begun."""
        return self.at_work is None and (self._probe is None or self._probe.until is None)

    def work(self, name: str, job: Job, limit: float, then: Then) -> None:
        """Have something done, the one thing that is due.

        + limit: how long it may take, seconds; then: is called once it has ended
        """

        def ended(worker: Worker) -> None:
            self.at_work = None
            then(worker)

        self.at_work = self._start(name, job, limit, ended)

    def watch_visitors(self, transaction: Transaction) -> None:
        """Begin to ask what visitors get, if nobody does yet."""
        if self._probe is None and not transaction.begin.bare:
            self._probe = self._start("probe", jobs.ask_visitors_addresses(transaction), None, self._has_probed)

    def stop_watching(self) -> bool:
        """Have no more asked. Returns whether that has to be waited for."""
        if self._probe and self._probe.until is None:
            self._probe.until = time.monotonic() + LAST_QUESTION
            with contextlib.suppress(OSError):
                self._probe.channel.send({"enough": True})
        return self._probe is not None

    def _has_probed(self, worker: Worker) -> None:
        self._probe = None
        found = worker.found.get("found")
        if isinstance(found, dict):
            self._probed(found)

    def end_kept(self) -> None:
        """End what goes on beside the steps; what it has said stays, until nobody needs it."""
        for cgroup in self._kept:
            self._loop.kill(cgroup)
        self._kept.clear()

    def forget_kept(self) -> None:
        """Let go of what leads to it."""
        for one in self.transaction.kept.values() if self.transaction else ():
            for file in one.files:
                os.close(file)

    def _start(self, name: str, job: Job, limit: float | None, then: Then) -> Worker:
        return self._loop.work(name, job, Bounds(limit, self._limits), self._hear, then)

    def _hear(self, worker: Worker, frame: Frame) -> None:
        """Take what a worker says while it works."""
        if "say" in frame:
            loud, text = str(frame.get("loud", LINE)), str(frame["say"])
            if loud == DETAIL and text.strip():
                worker.last_line = text
            self._say(loud, text)
        elif "write" in frame:
            worker.channel.send(self._write(str(frame["write"]), frame.get("line")))
        elif "keep" in frame:
            self._keep(worker, frame["keep"])
            worker.channel.send({})

    def _write(self, how: str, line: object) -> Frame:
        if not isinstance(line, dict) or self.transaction is None:
            return {"error": [0, "there is no journal for that"]}
        written: Written = line
        try:
            self.transaction.journal.write(how, written)
        except OSError as problem:
            return {"error": [problem.errno, problem.strerror or str(problem)]}
        return {}

    def _keep(self, worker: Worker, told: object) -> None:
        if not isinstance(told, dict) or self.transaction is None:
            return
        one = read(Kept, {**told, "files": worker.channel.handed()}, "kept")
        cgroup = self._loop.cgroups.make(f"kept-{one.name}-{one.pid}", self._limits)
        self._kept.append(cgroup)
        # It may have ended already, as whoever looks for it will see.
        with contextlib.suppress(OSError):
            cgroup.take(one.pid)
        self.transaction.kept[one.name] = one
