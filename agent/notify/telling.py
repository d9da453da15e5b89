"""Telling others: a web address, or a command of the settings. What goes wrong with it is said, and changes nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from agent.environment import webhook
from agent.environment.variables import conceal
from agent.host import asking
from agent.host.asking import Answer
from agent.host.command import CommandFailed, in_memory
from agent.host.output import as_said
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.notify.endings import Ending, problem_of
from agent.notify.message import Document, document, slack
from agent.state import State
from agent.text.lines import cut, first_line
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.words.history import PastRun
from agent.words.journal import JournalUnreadable
from agent.words.settings import Notify

# How long telling may take, seconds; and looking up who is told.
WITHIN, FOUND_WITHIN = 10.0, 5.0
# How much of what an address answers is shown, characters.
SHOWN = 200
# An answer that another try may change: too slow, too often, and what is a server's own trouble.
FOR_NOW = (408, 425, 429)
NO_ADDRESS = "the host knows no address for notify yet: the next deploy brings it"


@dataclass(frozen=True)
class Tried:
    """What has become of it.

    + problem: why nobody was told; empty where somebody was; again: whether another try may go better
    """

    problem: str = ""
    again: bool = False


def tell(transaction: Transaction, ending: Ending) -> Tried:
    """Tell of an ending, once."""
    conceal(transaction.state, transaction)
    wanted = ending.progress.begin.settings.notify
    told = document(transaction.deploy, ending, os.uname().nodename)
    if wanted is None:
        return Tried()
    if wanted.run:
        return _told_by_command(transaction, wanted, told)
    return _told_at_address(transaction.state, slack(told) if wanted.shape == "slack" else told)


def _told_at_address(state: State, told: Document) -> Tried:
    try:
        address = webhook.read(state)
        if not address:
            return Tried(NO_ADDRESS)
        found = asking.send(
            urlsplit(address),
            {"Content-Type": "application/json"},
            json.dumps(told).encode(),
            time.monotonic() + WITHIN,
        )
    except (OSError, ValueError) as problem:
        return Tried(asking.why_not(problem), again=True)
    return _judged(found)


def _judged(found: Answer) -> Tried:
    """What an answer means."""
    if 200 <= found.status < 300:
        return Tried()
    if 300 <= found.status < 400:
        leads = as_said(cut(found.location, SHOWN))
        return Tried(f"it answers {found.status} and leads to {leads}, where nobody follows: name the address itself")
    words = " ".join(found.body.decode(errors="replace").split())
    says = f"it answers {found.status}" + (f": {cut(words, SHOWN)}" if words else "")
    return Tried(as_said(says), again=found.status >= 500 or found.status in FOR_NOW)


def _told_by_command(transaction: Transaction, wanted: Notify, told: Document) -> Tried:
    """As the app's user, in its home, with a login's environment; it reads the document from its standard input."""
    layout = transaction.layout
    word = wanted.run[0]
    program = str(layout.expand(word)) if word[0] in "~/" else word
    runner = transaction.runner("notify", layout.app, WITHIN)
    try:
        with in_memory() as file:
            file.write(json.dumps(told).encode() + b"\n")
            file.seek(0)
            started = runner.start([program, *wanted.run[1:]], cwd=layout.home, stdin=file.fileno())
        runner.finish(started)
    except CommandFailed as problem:
        return Tried(as_said(str(problem)), again=True)
    except OSError as problem:
        return Tried(f"{word} can't be started: {problem.strerror or problem}")
    return Tried()


def unreachable(state: State, layout: Layout, wanted: Notify) -> str:
    """Why nobody can be told, as far as that shows without telling anybody anything; empty where somebody can."""
    if wanted.run:
        word = wanted.run[0]
        with acting_as(layout.app):
            is_there = "/" not in word or os.access(str(layout.expand(word)), os.X_OK, effective_ids=True)
        return "" if is_there else f"{word} is not there, or {layout.app} may not run it"
    try:
        address = webhook.read(state)
        if not address:
            return NO_ADDRESS
        asking.is_found(urlsplit(address), time.monotonic() + FOUND_WITHIN)
    except (OSError, ValueError) as problem:
        return f"its host can't be found: {first_line(asking.why_not(problem))}"
    return ""


def untold(state: State, runs: Sequence[PastRun]) -> str:
    """Why nobody could be told how the last run has ended: what its journal says last of it; empty where somebody was.

    + runs: those that have ended, the oldest first
    """
    try:
        problem = problem_of(Transaction(state, runs[-1].deploy).progress) if runs else ""
    except JournalUnreadable:
        # Whoever needs it says so.
        return ""
    return f"{runs[-1].deploy}: {problem}" if problem else ""
