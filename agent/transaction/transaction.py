"""A deploy on this host: its folder, its journal, its lock, and who may work on it at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from agent.host.command import Runner, ours
from agent.host.files import put, remove, sync_folder
from agent.host.processes import runs, started_at
from agent.host.reading import read_text
from agent.state import State
from agent.transaction import reserve
from agent.transaction.journal import Journal
from agent.transaction.lock import Held, agent_stays, lock_holder, take_lock
from agent.transaction.progress import Progress
from agent.versions.layout import Layout
from agent.words.journal import Begin, Beside, CommandStarted, Noted
from agent.words.notes import Note
from agent.words.outcomes import Outcome, Refused
from agent.words.shapes import bare

# What a fallback writes besides the journal's lines, each with the action that does.
ROOMS = {"evidence": reserve.Room(bytes=64 * 1024, files=8), "mark": reserve.Room(bytes=16 * 1024, files=4)}
# Room for a process's id and the time of its start.
WHO_BYTES = 48


class Ended(Exception):
    """A step came for a deploy that has ended, or is ending, and how."""


@dataclass
class Transaction:
    """One deploy, open or ended."""

    state: State
    deploy: str

    def __post_init__(self) -> None:
        self.folder = self.state.transaction(self.deploy)
        self.journal = Journal(self.folder)

    @property
    def progress(self) -> Progress:
        """How far it has come, by its journal. Raises JournalUnreadable."""
        return self.journal.progress

    @property
    def begin(self) -> Begin:
        """What it set out to do. Raises JournalUnreadable."""
        return self.progress.begin

    @property
    def layout(self) -> Layout:
        """The places of its app."""
        return Layout.of(self.begin.settings)

    @property
    def evidence(self) -> Path:
        """The folder for what a failed version has left to say."""
        return self.folder / "evidence"

    def output(self, name: str) -> Path:
        """The file with a step's output."""
        return self.folder / "output" / (name + ".log")

    def runner(self, name: str, user: str | None, limit: float) -> Runner:
        """What runs the commands of a step: logged under its name, and noted in the journal as they start."""

        def note(pid: int, command_id: str) -> None:
            # It only helps whoever finds us killed; the next line of the step itself is what counts.
            self.journal.note(CommandStarted(pid, started_at(pid), command_id))

        until = time.time() + limit
        return Runner(user=user, log=self.output(name), until=until, deploy=self.deploy, started=note)

    def goes_on_beside(self, what: str, pid: int, mark: str = "", url: str = "") -> None:
        """Write down that a process goes on beside the steps, so that a fallback stops it. Raises OSError.

        + mark: what all that it starts can be told by; url: where it answers
        """
        self.journal.append(Beside(what, pid, started_at(pid), mark, url))

    def noted(self, note: Note) -> Noted:
        """What a step has found out while it goes on, as a line of the journal."""
        return Noted(note.step, bare(note))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process of the agent works on this deploy, and keep others out meanwhile. Its journal is
        read once for that. Raises JournalUnreadable.

        The kernel lets go when we end, however that is.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._open_mutex() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # It only helps whoever wants to interrupt us; a file system that can't be written must not keep us here.
            with contextlib.suppress(OSError):
                # In place, so that a full disk has room for it.
                os.pwrite(file.fileno(), f"{os.getpid()} {started_at(os.getpid())}".ljust(WHO_BYTES).encode(), 0)
            with self.journal.read_once():
                yield

    def _open_mutex(self) -> IO[bytes]:
        try:
            return self._mutex.open("rb+")
        except FileNotFoundError:
            return self._mutex.open("wb")
        except OSError:
            # On a file system that has become read-only; whoever only reads can keep others out as well.
            return self._mutex.open("rb")

    @property
    def _mutex(self) -> Path:
        return self.folder / "mutex"

    def reserve_room(self) -> None:
        """Set aside what a fallback has to write here, so that a full disk does not keep it. Raises OSError."""
        put(self._mutex, b" " * WHO_BYTES)
        for action, room in ROOMS.items():
            reserve.set_aside(self._spare / action, room)
        self.journal.reserve_room()

    def free_room(self) -> None:
        """Give back what was set aside, apart from the journal's: that goes to its own lines, when they need it."""
        reserve.give_back(self._spare)

    def free_room_for(self, action: str) -> None:
        """Give back what was set aside for one action of a fallback."""
        reserve.give_back(self._spare / action)

    @property
    def _spare(self) -> Path:
        return self.folder / "spare"

    def nobody_works_on_it(self) -> bool:
        """Whether no process of the agent works on this deploy right now."""
        if not self._mutex.exists():
            return True
        with self._mutex.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def interrupt(self) -> None:
        """Ask the process that works on this deploy, if one does, to stop and to fall back."""
        if self.nobody_works_on_it():
            return
        pid, _, started = read_text(self._mutex).strip().partition(" ")
        if pid and runs(int(pid), started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)


def open_transaction(state: State) -> Transaction | None:
    """The transaction that holds this host, or None."""
    holder = lock_holder(state)
    return Transaction(state, holder) if holder else None


@contextlib.contextmanager
def holding(state: State, deploy: str) -> Iterator[Transaction]:
    """The transaction of a deploy that holds this host and goes on, while nobody else works on it. Raises Ended."""
    transaction = Transaction(state, deploy)
    if lock_holder(state) != deploy:
        raise Ended(_gone(transaction))
    with transaction.alone():
        progress = transaction.progress
        if progress.outcome or progress.falling_back:
            raise Ended(_gone(transaction))
        yield transaction


def _gone(transaction: Transaction) -> str:
    progress = transaction.progress
    if progress.outcome:
        return "this deploy has ended: " + how_it_ended(transaction)
    if progress.falling_back:
        return "this deploy is falling back: " + str(progress.reason)
    return "this deploy does not hold the host"


def begin(transaction: Transaction, told: Begin) -> None:
    """Open a transaction and take the host.

    + told: what the journal's first line says

    Raises Refused when another deploy holds the host, or when there is no room for a journal.
    """
    state, deploy = transaction.state, transaction.deploy
    state.create()
    try:
        (transaction.folder / "output").mkdir(parents=True, exist_ok=False)
        transaction.reserve_room()
        # The journal before the lock: whoever finds the lock finds out whose it is.
        deadline = time.time() + told.settings.confirm_timeout
        transaction.journal.append(replace(told, deploy=deploy, deadline=deadline, started=started_at(os.getpid())))
        # Its name in its folder, and the folder's: a lock that outlives a power cut says whose it is.
        for folder in (transaction.folder, transaction.folder.parent):
            sync_folder(folder)
        with agent_stays(state):
            take_lock(state, deploy)
    except Held as held:
        remove(transaction.folder)
        raise Refused(describe_holder(state, held.holder)) from None
    except OSError as error:
        with contextlib.suppress(OSError):
            remove(transaction.folder)
        raise Refused(f"there is no room for the journal in {state.root}: {error}") from None
    except BaseException:
        remove(transaction.folder)
        raise


def start_guard(state: State) -> None:
    """Start the guard, which ends by itself when the deploy does. Raises OSError, CommandFailed when it can't."""
    unit = f"switchback-guard@{state.site}.service"
    ours(["systemctl", "start", "--no-block", unit])


def describe_holder(state: State, deploy: str) -> str:
    """Who holds the host, since when, and at which step."""
    progress = Transaction(state, deploy).progress
    if not progress.begun:
        return f"another deploy holds this host: {deploy}"
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(progress.lines[0].at))
    what = f"{progress.begun.kind} {deploy} by {progress.begun.by} holds this host since {since}"
    if progress.outcome == Outcome.NEEDS_A_PERSON:
        return what + ", and needs a person: run deploys/recover.py"
    if progress.falling_back:
        return what + ", falling back: " + str(progress.reason)
    return what + ", at step " + progress.step


def how_it_ended(transaction: Transaction) -> str:
    """The sentence that a deploy ended with."""
    ended = transaction.progress.ended
    return ended.sentence if ended else "it has not ended"
