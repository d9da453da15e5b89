"""The endings of a site that somebody has yet to be told of, and who does it: beside whatever else the runner does,
which neither waits for it nor fails by it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial

from agent.host.files import sync_folder
from agent.host.output import WARNING
from agent.host.reading import matching
from agent.inside.lean import fields_of
from agent.loop.cgroups import Limits
from agent.loop.channel import Channel, Frame
from agent.loop.loop import Bounds, Loop
from agent.loop.worker import Worker
from agent.notify.endings import Ending, begins, due, tried
from agent.notify.telling import WITHIN, Tried, tell
from agent.state import State
from agent.transaction.transaction import Transaction
from agent.words.journal import JournalUnreadable, Told
from agent.words.shapes import Unreadable, read

# How long after each of its tries one is tried again, seconds: a host that has just come up may have no network yet.
AGAIN = (15.0, 60.0)
# How often it is begun at most, whoever is ended in it.
MOST = 5
# How long a command may take to end that is stopped, seconds.
STOPS = 5.0


class Outbox:
    """What there is to tell, by the journals: a run that needs a person is open, others are named in a folder once they
    are over.

    + say: takes what went wrong: how loud, and the text
    """

    def __init__(self, state: State, loop: Loop, say: Callable[[str, str], None]) -> None:
        self._state, self._loop, self._say = state, loop, say
        self._at_work = False
        # How often each was tried, and before when it is not tried again.
        self._tries: dict[tuple[str, int], int] = {}
        self._not_before = 0.0
        # Told, though that could not be written down.
        self._over: set[tuple[str, int]] = set()
        # Those that are over, each read once.
        self._closed: dict[str, Transaction] = {}

    def go_on(self, opened: Transaction | None) -> float | None:
        """Begin what is due. Returns how soon something is again, seconds; None where there is nothing to tell."""
        if self._at_work:
            return WITHIN + STOPS
        found = next(self._due(opened), None)
        if found is None:
            return None
        wait = self._not_before - time.monotonic()
        if wait > 0:
            return wait
        self._begin(*found)
        return WITHIN + STOPS if self._at_work else 0.0

    def _due(self, opened: Transaction | None) -> Iterator[tuple[Transaction, Ending]]:
        for transaction in [*([opened] if opened else []), *self._left()]:
            ending = self._ending(transaction)
            if ending:
                yield transaction, ending
            elif transaction is not opened:
                self._forget(transaction.deploy)

    def _left(self) -> Iterator[Transaction]:
        for path in matching(self._state.untold, "*"):
            if path.name not in self._closed:
                one = self._closed[path.name] = Transaction(self._state, path.name)
                # What nobody can read is not due.
                with contextlib.suppress(JournalUnreadable):
                    one.journal.is_ours()
            yield self._closed[path.name]

    def _ending(self, transaction: Transaction) -> Ending | None:
        try:
            ending = due(transaction.progress)
        except JournalUnreadable:
            return None
        return ending if ending and (transaction.deploy, ending.number) not in self._over else None

    def _forget(self, deploy: str) -> None:
        self._closed.pop(deploy, None)
        with contextlib.suppress(OSError):
            (self._state.untold / deploy).unlink()
            sync_folder(self._state.untold)

    def _begin(self, transaction: Transaction, ending: Ending) -> None:
        times = tried(transaction.progress, ending)
        if times >= MOST:
            self._judge(transaction, ending, Tried(f"it was begun {times} times, and did not end"))
            return
        try:
            # Before it is begun: where nothing can be written down, somebody would be told again and again.
            transaction.journal.append(begins(ending, times + 1))
        except OSError:
            self._not_before = time.monotonic() + AGAIN[-1]
            return
        settings = ending.progress.begin.settings
        bounds = Bounds(WITHIN + STOPS, Limits.of_host(settings.worker_memory, settings.worker_tasks))
        its = Transaction(self._state, transaction.deploy)

        def job(_: Channel) -> Frame:
            return fields_of(tell(its, ending))

        try:
            self._loop.work("tell", job, bounds, lambda *_: None, partial(self._ended, transaction, ending))
            self._at_work = True
        except OSError as problem:
            self._judge(transaction, ending, Tried(str(problem), again=True))

    def _ended(self, transaction: Transaction, ending: Ending, worker: Worker) -> None:
        self._at_work = False
        try:
            found = read(Tried, {"problem": "", **worker.found}, "tell")
        except Unreadable as problem:
            found = Tried(str(problem))
        failed = worker.found.get("failed")
        self._judge(transaction, ending, Tried(str(failed), again=True) if failed else found)

    def _judge(self, transaction: Transaction, ending: Ending, found: Tried) -> None:
        """Write down what has become of it, or have it tried again a little later."""
        key = transaction.deploy, ending.number
        times = self._tries[key] = self._tries.get(key, 0) + 1
        if found.problem and found.again and times <= len(AGAIN):
            self._not_before = time.monotonic() + AGAIN[times - 1]
            return
        self._over.add(key)
        transaction.journal.note(Told(ending.number, ending.name, found.problem))
        if found.problem:
            self._say(WARNING, f"notify: WARNING: nobody could be told ({ending.name}): {found.problem}")
