"""Which process answers. Of several that share a socket, the one that has taken a connection is found by the kernel's
own word, so that a new process is not believed to serve because an old one does."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent.host.asking import AGENT, NOTHING, Connection, get_path, why_not
from agent.host.connections import other_end
from agent.host.processes import as_owner_if_refused
from agent.host.reading import descriptors

# How often it is looked who has taken a connection, and whether an answer is there, seconds.
LOOK = 0.005


@dataclass
class Question:
    """One request on its way.

    + taker: the process that has taken the connection; None where it is one that nobody has named
    + asked_at: when the request was sent; 0 before
    + answer: the status, or what went wrong; None before
    """

    connection: Connection
    taker: int | None = None
    asked_at: float = 0.0
    answer: int | str | None = None

    def ask(self, path: str, headers: Mapping[str, str]) -> None:
        """Send the request. Raises OSError."""
        self.connection.request("GET", path, headers={**AGENT, **headers})
        self.asked_at = time.monotonic()

    def read_answer(self) -> None:
        """Read what has come, and hang up at once: a server may wait for that before it serves anybody else."""
        try:
            self.answer = self.connection.getresponse().status
        except NOTHING as error:
            self.answer = _no_answer(error)
        self.connection.hang_up()


def ask_at_once(
    number: int, among: Callable[[], Collection[int]], url: str, headers: Mapping[str, str], timeout: float
) -> list[tuple[int | None, int | str]]:
    """Ask so many times at once: who has taken one connection, and waits for its request, leaves the next to another.

    Returns for each the process that has taken it, if that was seen, and its status or what went wrong.

    + among: tells the processes that may have taken a connection, anew each time: one may have been born since
    + timeout: how long it may wait to be taken, and to be answered, seconds
    """
    parts, began = urlsplit(url), time.monotonic()
    path = get_path(parts)
    questions = [Question(Connection(parts.netloc, began + 2 * timeout)) for _ in range(number)]
    try:
        for question in questions:
            question.connection.connect()
        end = began + timeout
        while any(question.answer is None for question in questions):
            waiting = [question for question in questions if not question.asked_at]
            taken = _taken(waiting, among)
            for question in waiting if time.monotonic() > end else taken:
                question.ask(path, headers)
            _read_answers([question for question in questions if question.asked_at], timeout)
        return [(question.taker, question.answer or "") for question in questions]
    except NOTHING as error:
        return [(None, _no_answer(error))]
    finally:
        for question in questions:
            question.connection.hang_up()


def _taken(waiting: list[Question], among: Callable[[], Collection[int]]) -> list[Question]:
    """Those whose connection has been taken by now, each with its taker."""
    numbers = ((question, other_end(question.connection.line)) for question in waiting)
    found = [(question, number) for question, number in numbers if number]
    held = {pid: _descriptors(pid) for pid in among()} if found else {}
    for question, number in found:
        question.taker = next((pid for pid, files in held.items() if f"socket:[{number}]" in files), None)
    return [question for question, _ in found]


def _read_answers(asked: list[Question], timeout: float) -> None:
    """Read the answers that are there, or that come soon; one that takes too long is waited for no longer."""
    unanswered = {question.connection.line.fileno(): question for question in asked if question.answer is None}
    poll = select.poll()
    for file in unanswered:
        poll.register(file, select.POLLIN)
    ready = {file for file, _ in poll.poll(LOOK * 1000)}
    for file, question in unanswered.items():
        if file in ready:
            question.read_answer()
        elif time.monotonic() - question.asked_at > timeout:
            question.answer = _no_answer(TimeoutError("timed out"))


def _no_answer(error: Exception) -> str:
    return f"does not answer: {why_not(error)}"


def _descriptors(pid: int) -> set[str]:
    try:
        return set(as_owner_if_refused(Path(f"/proc/{pid}"), descriptors))
    except OSError:
        return set()
