"""A deploy on this host: its folder, its journal, its lock, and who may work on it at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from agent.host.command import Runner
from agent.host.files import remove, sync_folder
from agent.host.processes import runs, started_at
from agent.inside.lean import dataclass
from agent.state import State
from agent.transaction import reserve
from agent.transaction.journal import Journal
from agent.transaction.lock import Held, agent_stays, lock_holder, take_lock
from agent.transaction.progress import Progress
from agent.versions.layout import Layout
from agent.words.journal import Begin, Noted, Written
from agent.words.notes import Note
from agent.words.outcomes import Outcome, Refused
from agent.words.shapes import bare

# What a fallback writes besides the journal's lines, each with the action that does.
ROOMS = {"evidence": reserve.Room(bytes=64 * 1024, files=8), "mark": reserve.Room(bytes=16 * 1024, files=4)}


@dataclass(frozen=True)
class Kept:
    """A process that goes on beside the steps: the runner's own, known to it, and never looked for.

    + started: when it was, as the kernel has it; empty where it has ended already
    + url: where it answers; files: descriptors that lead to it
    """

    name: str
    pid: int
    started: str
    url: str = ""
    files: tuple[int, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return runs(self.pid, self.started)


@dataclasses.dataclass
class Transaction:
    """One deploy, open or ended."""

    state: State
    deploy: str

    def __post_init__(self) -> None:
        self.folder = self.state.transaction(self.deploy)
        self.journal = Journal(self.folder)
        self.kept: dict[str, Kept] = {}
        self._keeper: Callable[[Kept], None] | None = None

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

    @property
    def given(self) -> Path:
        """The file with the variables and secrets that it was given, while it goes on."""
        return self.state.given(self.deploy)

    def output(self, name: str) -> Path:
        """The file with a step's output."""
        return self.folder / "output" / (name + ".log")

    def runner(self, name: str, user: str | None, limit: float) -> Runner:
        """What runs the commands of a step: logged under its name."""
        return Runner(user=user, log=self.output(name), until=time.time() + limit)

    def for_worker(self, writer: Callable[[str, Written], None], keeper: Callable[[Kept], None]) -> Transaction:
        """The same for a worker: its runner writes the journal, and keeps what it leaves.

        + writer: is given which of `note` and `append` it is, and the line; keeper: what is left
        """
        its = Transaction(self.state, self.deploy)
        its.journal.is_written_by(writer, self.progress)
        its.kept, its._keeper = dict(self.kept), keeper
        return its

    def keep(self, name: str, pid: int, url: str = "", files: Sequence[int] = ()) -> Kept:
        """Leave a process to the runner, beside the steps. Raises OSError."""
        kept = Kept(name, pid, started_at(pid) or "", url, tuple(files))
        if self._keeper:
            self._keeper(kept)
        self.kept[name] = kept
        return kept

    def noted(self, note: Note) -> Noted:
        """What a step has found out while it goes on, as a line of the journal."""
        return Noted(note.step, bare(note))

    def reserve_room(self) -> None:
        """Set aside what a fallback has to write here, so that a full disk does not keep it. Raises OSError."""
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


def open_transaction(state: State) -> Transaction | None:
    """The transaction that holds this host, or None."""
    holder = lock_holder(state)
    return Transaction(state, holder) if holder else None


def why_too_late(transaction: Transaction) -> str:
    """Why a word for a deploy comes too late; empty where it does not."""
    progress = transaction.progress
    if progress.outcome:
        return "this deploy has ended: " + how_it_ended(transaction)
    if progress.falling_back:
        return "this deploy is falling back: " + str(progress.reason)
    return "" if lock_holder(transaction.state) == transaction.deploy else "this deploy does not hold the host"


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
        transaction.journal.append(replace(told, deploy=deploy))
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


def this_boot() -> str:
    """What tells one boot of this host from another: a container may share the kernel's with others."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{started_at(1)}"


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
