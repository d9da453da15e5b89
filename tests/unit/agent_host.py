"""A host of one test: a real file system, the agent's own frame of a deploy, and steps that do what the test says."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host import output
from agent.host.links import read_link
from agent.host.output import DETAIL, say_through
from agent.inside.lean import fields_of
from agent.loop.conversation import Client
from agent.runner.course import Kind
from agent.runner.moves import MOVES, go_on
from agent.runner.run import Run
from agent.runner.talk import Talk
from agent.service import systemd
from agent.state import State
from agent.transaction.step import StepContext
from agent.transaction.transaction import Transaction, begin, open_transaction
from agent.versions.layout import Layout
from agent.visitors import site
from agent.words.notes import Glance
from agent.words.outcomes import Cause, Outcome
from agent.words.requests import FallBack, Recover, Request, document
from agent.words.result import NEWS, Result, read_result
from tests.unit.examples import LIVE, NEW, OLD, settings
from tests.unit.journals import begun
from tests.unit.steps import BUILD, OPTIONAL, SWITCH, UNDOS, Does, really, really_undone, stand_in, stand_in_for_undo

ID = "20261123-120000-deploy-ab12"
LINKS = ("django-current", "django-previous", "django-working", "django-previous-working")


class Pipe:
    """A worker's end of the pipe to a loop that works in the same process: what it sends is heard at once."""

    def __init__(self, worker: Any, heard: Callable[[Any, Any], None]) -> None:
        self._worker, self._heard, self._answers = worker, heard, list[Any]()
        worker.channel = SimpleNamespace(send=self._answers.append, handed=lambda: [])

    def send(self, frame: Any, handed: Sequence[int] = ()) -> None:
        """Say something to the loop."""
        self._worker.channel.handed = lambda: [os.dup(file) for file in handed]
        self._heard(self._worker, json.loads(json.dumps(frame)))

    def receive(self) -> Any:
        """Hear what it answers."""
        return self._answers.pop(0) if self._answers else None


class Loop:
    """A loop whose workers work in the same process, one after the other, when it is told to settle."""

    def __init__(self, is_ready: Callable[[], None]) -> None:
        self._then = is_ready
        self.due: list[tuple[str, Any, Any, Any]] = []
        self.is_ready = False
        self.cgroups = SimpleNamespace(make=lambda name, limits: SimpleNamespace(take=lambda pid: None))
        # What kills the next worker of a name, instead of its work; and all of them that were begun.
        self.killed: set[str] = set()
        self.begun: list[str] = []
        self.limits: dict[str, float | None] = {}
        # How long nothing is due, seconds; None where the runner has nothing left to do.
        self.waits: float | None = None

    def ready(self) -> None:
        """Hear that the host may start the app."""
        self.is_ready = True
        self._then()

    def kill(self, cgroup: object) -> None:
        """End what is in a cgroup."""

    def work(self, name: str, job: Any, bounds: Any, heard: Any, then: Any) -> Any:
        """Take a job."""
        worker = SimpleNamespace(name=name, until=None, answer=None, found={"failed": "its worker was killed"})
        worker.since, worker.last_line = time.monotonic(), ""
        worker.asked_to_stop, worker.channel = False, SimpleNamespace(send=lambda _: None)
        worker.ask_to_stop = lambda patience: setattr(worker, "asked_to_stop", True)
        self.begun.append(name)
        self.limits[name] = bounds.seconds
        self.due.append((name, job, heard, (worker, then)))
        return worker

    def settle(self, run: Run) -> None:
        """Go round until nothing is due."""
        self.waits = go_on(run)
        while self.due:
            self.one_round(run)

    def one_round(self, run: Run) -> None:
        """Have one worker work, and do what is due then."""
        name, job, heard, (worker, then) = self.due.pop(0)
        if name != "probe" and name not in self.killed:
            answer = _answer(job, Pipe(worker, heard))
            worker.found = worker.answer = json.loads(json.dumps(answer, default=fields_of))
        then(worker)
        self.waits = go_on(run)


def _answer(job: Any, pipe: Pipe) -> Any:
    """What a worker answers, as its process would."""
    try:
        return job(pipe)
    except Exception:  # noqa: BLE001 - as a worker does
        return {"failed": "an error in the agent:\n" + traceback.format_exc()}
    finally:
        say_through(lambda loud, text: print(text))


class LoudRun(Run):
    """A run of which a test hears all that it says."""

    def say(self, loud: str, text: str) -> None:
        """Take a line."""
        if loud != DETAIL:
            print(text)
        super().say(loud, text)


class Asked:
    """Somebody who asks a runner for something, and what they are told."""

    def __init__(self, talk: Talk, text: str) -> None:
        self._ours, its = socket.socketpair()
        self._come = b""
        self.client = Client(its, lambda _: None)
        self._ours.sendall(text.encode() + b"\n")
        self._ours.setblocking(False)
        talk.asked(self.client)

    def leave(self) -> None:
        """Hang up."""
        self._ours.close()

    @property
    def lines(self) -> list[str]:
        """What they were told so far, with the line that says how it has ended."""
        with contextlib.suppress(BlockingIOError):
            while part := self._ours.recv(1 << 20):
                self._come += part
                self.client.flush()
        # Not at each of the characters that Python takes for an end: one of them begins a result.
        lines = self._come.decode().split("\n")[:-1]
        return [line for line in lines if not line.startswith(NEWS)]

    @property
    def result(self) -> Result | None:
        """How that has ended; None while it has not."""
        return read_result(self.lines)


class Host:
    """A host with a live version and one before it, whose agent works in a folder of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]) -> None:
        self.state = State("django", folder / "state")
        self.home = folder / "home"
        self.done: list[str] = []
        self._monkeypatch = monkeypatch
        self._said = said
        # What the host does once it may start the app.
        self.starts_app: Callable[[], None] = lambda: None
        self.loop = Loop(lambda: None)
        self._run: Any = None
        self._talk: Any = None
        for version in (OLD, LIVE, NEW):
            (self.home / version / "config").mkdir(parents=True)
        for link, version in zip(LINKS, (LIVE, OLD, LIVE, OLD), strict=True):
            (self.home / link).symlink_to(self.home / version)
        # Whatever a real step would do to a real host.
        for name in (*BUILD, *SWITCH):
            self.step(name, lambda _: {})
        self.step("swap", really("swap"))
        self.step("maintenance_start", lambda _: {"page": {"status": 503}})
        monkeypatch.setattr(site, "glance", lambda _: Glance(shut="undo maintenance" not in self.done))
        for name in UNDOS:
            self.action(name, lambda _: {})
        self.action("maintenance", lambda _: {"open": True})
        self.action("links", really_undone("links"))
        self.action("mark", really_undone("mark"))

    def step(self, name: str, what: Does) -> None:
        """Say what a step does."""
        stand_in(self._monkeypatch, name, self._noted(name, what))

    def action(self, name: str, what: Does) -> None:
        """Say what an action of a fallback does."""
        stand_in_for_undo(self._monkeypatch, name, self._noted(f"undo {name}", what))

    def _noted(self, name: str, what: Does) -> Does:
        def do(step: StepContext) -> Any:
            self.done.append(name)
            return what(step)

        return do

    def begin(self, deploy: str = ID, **fields: Any) -> Transaction:
        """Open a deploy of the new version."""
        told = settings().for_host()
        links = {str(self.home / link): read_link(self.home / link) for link in LINKS}
        usual = {"kind": "deploy", "by": "ann@desk", "version": NEW, "was": LIVE, "bare": False, "hosts": ["web1"]}
        transaction = Transaction(self.state, deploy)
        begin(transaction, begun(**{**usual, "primary": True, "links": links, "settings": told, **fields}))
        return transaction

    def run(self, *names: str) -> list[bool]:
        """Run steps, one by one, as a controller would have them done."""
        return [self._run_one(name) for name in names]

    def _run_one(self, name: str) -> bool:
        run = self.runner()
        if run.transaction is None or run.progress.falling_back:
            return False
        if name == "commit":
            run.commit(None)
        else:
            run.word_by = None
            MOVES[Kind.STEP](run, name)
        self.loop.settle(run)
        if run.transaction is None:
            return bool(run.over and run.over[1].committed)
        return name in run.progress.done

    def runner(self) -> Run:
        """The runner of this host, which works on what was begun here; the same until another is started."""
        opened = open_transaction(self.state)
        run = self._run
        if run is None or (run.transaction is None and opened is not None and not run.is_busy):
            self._new()
            if opened is not None:
                self._run.transaction = self._run.crew.transaction = opened
                opened.journal.is_ours()
        known: Run = self._run
        return known

    def start_runner(self) -> Run:
        """Start another runner, which goes on with what is open."""
        killed, self.loop = self.loop.killed, Loop(self.starts_app)
        self.loop.killed = killed
        self._new()
        self._run.resume()
        self.loop.settle(self._run)
        return self.runner()

    def _new(self) -> None:
        loop: Any = self.loop
        self._run = LoudRun(self.state, loop)
        self._talk = Talk(self._run)

    def ask(self, request: Request | str) -> Asked:
        """Ask its runner for something, and hear what becomes of it until nothing is due."""
        asked = self.begin_to_ask(request)
        self.settle()
        return asked

    def later(self) -> None:
        """Have its runner do what is due once all that it waits for is over."""
        run, later = self.runner(), 24 * 3600.0
        for name in ("not_before", "word_by", "lingers_until"):
            if getattr(run, name) is not None:
                setattr(run, name, getattr(run, name) - later)
        self.settle()

    def begin_to_ask(self, request: Request | str) -> Asked:
        """Ask its runner for something, which has done what was due, and let it do nothing yet."""
        go_on(self.runner())
        return Asked(self._talk, request if isinstance(request, str) else document(request, self.state.site))

    def settle(self) -> None:
        """Have its runner do what is due, and answer."""
        run = self.runner()
        while True:
            self.loop.settle(run)
            soon = self._talk.answer()
            # What was asked for may be begun only now.
            if not self.loop.due:
                break
        waits = self.loop.waits
        self.loop.waits = waits if waits is None or soon is None else min(waits, soon)

    def answer(self) -> None:
        """Have its runner tell those who wait what there is to tell."""
        self._talk.answer()

    def fall_back(self, reason: str, cause: Cause = Cause.ITSELF, database_is_back: bool = False) -> Outcome | None:
        """Have its runner fall back. Returns how that has ended; None while it has not."""
        run = self.runner()
        run.take_back(FallBack(ID, reason, cause, database_is_back))
        self.loop.settle(run)
        return self._outcome()

    def recover(self, database: str | None = None, force: bool = False) -> bool:
        """Have a person recover. Returns whether the host is free then."""
        run = self.runner()
        run.recover(Recover(database, force))
        self.loop.settle(run)
        return open_transaction(self.state) is None

    def _outcome(self) -> Outcome | None:
        run = self.runner()
        return run.progress.outcome if run.transaction else run.over[1].outcome if run.over else None

    def links(self) -> dict[str, str]:
        """Where the four links lead."""
        return {link: (self.home / link).readlink().name for link in LINKS}

    @property
    def events(self) -> list[str]:
        """The journal of the deploy, without its details."""
        return [line.says.event for line in Transaction(self.state, ID).progress.lines]

    @property
    def said(self) -> str:
        """What the agent has said since the test asked last."""
        return self._said()


BEFORE = {
    "django-current": LIVE,
    "django-previous": OLD,
    "django-working": LIVE,
    "django-previous-working": OLD,
}
ALL = tuple(name for name in (*BUILD, *SWITCH) if name not in OPTIONAL)


def made(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]) -> Host:
    """A host in a folder, on which nobody has to be another user.

    + said: what the agent has said since it was called last
    """
    for name, module in sys.modules.items():
        if name.startswith("agent.") and hasattr(module, "acting_as"):
            monkeypatch.setattr(module, "acting_as", lambda _: nullcontext())
    monkeypatch.setattr(Layout, "of", lambda told: Layout(told, folder / "home"))
    monkeypatch.setattr(systemd, "host_goes_down", lambda: False)
    # A worker says things through its own way, and here it is no process of its own.
    monkeypatch.setattr(output, "_way", [*output._way])
    return Host(folder, monkeypatch, said)
