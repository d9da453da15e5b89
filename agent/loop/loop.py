"""The loop that lives as long as its deploy: it hears what is asked, has workers do it, and knows when they have.

It runs in one thread, touches no path of the app, and never becomes the app: nothing that is laid in the way can hang
it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from agent.inside.lean import dataclass
from agent.loop import worker as workers
from agent.loop.cgroups import Cgroup, Cgroups, Limits
from agent.loop.channel import Frame, Garbled
from agent.loop.conversation import Client
from agent.loop.notify import Systemd
from agent.loop.worker import Job, Worker

# How often the loop goes round when nothing happens, and while something is to die, seconds.
ROUND, SOON = 1.0, 0.05
# What hears of a worker: a frame that it has sent, and its end, with its answer if it gave one.
Heard = Callable[[Worker, Frame], None]
Then = Callable[[Worker], None]


@dataclass(frozen=True)
class Bounds:
    """What a worker may take: so many seconds, or until it is told; and so much of the host."""

    seconds: float | None
    limits: Limits | None


class Loop:
    """Sockets, workers and time, and nothing of deploys.

    + address: the socket to be asked at
    """

    def __init__(self, address: Path, cgroups: Cgroups, systemd: Systemd) -> None:
        self._address, self._cgroups, self._systemd = address, cgroups, systemd
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, tuple[Worker, Heard, Then]] = {}
        self._numbers = 0
        # Those whose processes have yet to die.
        self._dying: list[Cgroup] = []
        self._listening = _listen(address)
        self._woken, self._wakes = socket.socketpair()
        self.clients: list[Client] = []

    @property
    def cgroups(self) -> Cgroups:
        """What is below the runner's own cgroup."""
        return self._cgroups

    def ready(self) -> None:
        """Tell systemd that whoever waits for this may go on."""
        self._systemd.tell("READY=1")

    def work(self, name: str, job: Job, bounds: Bounds, heard: Heard, then: Then) -> Worker:
        """Have a worker do a job. Raises OSError.

        + heard: is given what it says meanwhile; then: is called when it has ended
        """
        self._numbers += 1
        cgroup = self._cgroups.make(f"worker-{self._numbers}", bounds.limits)
        try:
            one = workers.start(name, job, cgroup, bounds.seconds, self._not_a_worker_s)
        except OSError:
            self.kill(cgroup)
            raise
        self._workers[one.pid] = one, heard, then
        self._selector.register(one.channel.pipe, selectors.EVENT_READ, lambda: self._hear(one, heard))
        return one

    def kill(self, cgroup: Cgroup) -> None:
        """End all that is in a cgroup, and take it away as soon as that is dead."""
        if not cgroup.kill():
            self._dying.append(cgroup)

    def run(self, step: Callable[[], float | None], asked: Callable[[Client], None]) -> None:
        """Go round until there is nothing to wait for.

        + step: does what is due, and returns how long nothing else is, seconds; None when it is over
        + asked: is given a client that has asked for something
        """
        self._woken.setblocking(False)
        self._wakes.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        self._selector.register(self._listening, selectors.EVENT_READ, lambda: self._accept(asked))
        pinged = 0.0
        while True:
            every = self._systemd.every
            if every and time.monotonic() - pinged > every / 2:
                self._systemd.tell("WATCHDOG=1")
                pinged = time.monotonic()
            wait = step()
            if wait is None and not self._workers and not any(client.is_behind for client in self.clients):
                return
            soon = SOON if self._dying else ROUND
            self._look_for_room()
            came = self._selector.select(max(0.0, min(ROUND if wait is None else wait, soon, every or ROUND)))
            # What was due while this host stood still is due before what has come meanwhile.
            step()
            for key, _ in came:
                # One of them may have ended what another one was.
                if self._selector.get_map().get(key.fd) == key:
                    key.data()
            self._collect()
            for client in self.clients:
                client.flush()
            self.clients = [client for client in self.clients if not client.is_closed]

    def close(self) -> None:
        """Take the address away: whoever asks from now on is answered by what is on disk."""
        with contextlib.suppress(OSError):
            self._address.unlink()
        self._listening.close()

    def _look_for_room(self) -> None:
        """Be told when those who are behind with what they were sent can take more of it."""
        for client in self.clients:
            if not client.is_closed:
                key = self._selector.get_key(client.connection)
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.is_behind else 0)
                if key.events != wanted:
                    self._selector.modify(client.connection, wanted, key.data)

    def _not_a_worker_s(self) -> None:
        self._selector.close()
        self._listening.close()
        self._woken.close()
        self._wakes.close()
        for client in self.clients:
            client.connection.close()
        for one, _, _ in self._workers.values():
            one.channel.pipe.close()

    def _accept(self, asked: Callable[[Client], None]) -> None:
        with contextlib.suppress(OSError):
            client = Client(self._listening.accept()[0], self._selector.unregister)
            self._selector.register(client.connection, selectors.EVENT_READ, lambda: asked(client))
            self.clients.append(client)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                continue

    def _hear(self, one: Worker, heard: Heard) -> bool:
        """Take what a worker has said; one that says what is none has ended. Returns whether anything has come."""
        come = False
        try:
            goes_on = one.channel.read()
            for frame in one.channel.frames():
                come = True
                if "answer" in frame:
                    answer = frame["answer"]
                    one.answer = answer if isinstance(answer, dict) else None
                else:
                    heard(one, frame)
        except (OSError, Garbled):
            goes_on = False
        if not goes_on:
            self._selector.unregister(one.channel.pipe)
        return come

    def _collect(self) -> None:
        """See which workers have ended, and end those that are late."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            if pid in self._workers:
                self._has_ended(*self._workers.pop(pid))
        for one, _, _ in list(self._workers.values()):
            if one.is_late():
                one.was_late = True
                one.cgroup.kill()
        self._dying = [cgroup for cgroup in self._dying if not cgroup.kill()]

    def _has_ended(self, one: Worker, heard: Heard, then: Then) -> None:
        # The last that it has said may still be on its way, and a child of it may hold the pipe.
        while one.channel.pipe in self._selector.get_map() and self._hear(one, heard):
            continue
        if one.channel.pipe in self._selector.get_map():
            self._selector.unregister(one.channel.pipe)
        one.channel.close()
        one.out_of_memory = one.answer is None and one.cgroup.has_run_out_of_memory()
        self.kill(one.cgroup)
        then(one)


def _listen(address: Path) -> socket.socket:
    address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        address.unlink()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(address))
    listening.listen(64)
    listening.setblocking(False)
    return listening
