"""Asking at once: who has taken which connection, and what was answered; and nobody is kept waiting for it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agent.restart.answering import ask_at_once

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
LINGERS = 5.0


@dataclass
class Server:
    """Serves one connection after the other, and waits for who asked to hang up before the next, as gunicorn does.

    + silent: how many connections it takes and never answers
    + lingered: how long it has waited for each to hang up, seconds
    """

    silent: int = 0
    lingered: list[float] = field(default_factory=list)
    held: list[socket.socket] = field(default_factory=list)

    def serve(self, listening: socket.socket) -> None:
        """Serve until nobody listens any more."""
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            if self.silent:
                self.silent -= 1
                self.held.append(connection)
            else:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(LINGERS)
            if not connection.recv(4096):
                return
            connection.sendall(ANSWER)
            connection.shutdown(socket.SHUT_WR)
            began = time.monotonic()
            try:
                while connection.recv(4096):
                    pass
            except OSError:
                # It has waited long enough, or was cut off.
                pass
            self.lingered.append(time.monotonic() - began)


@contextmanager
def serving(server: Server) -> Iterator[str]:
    """Have it serve, and tell where."""
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve, args=(listening,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in server.held:
            connection.close()


def ask(url: str, number: int, timeout: float = 2 * LINGERS) -> list[tuple[int | None, int | str]]:
    return ask_at_once(number, lambda: {os.getpid()}, url, {"Host": "shop.example"}, timeout)


def test_each_question_is_answered_and_its_taker_named() -> None:
    with serving(Server()) as url:
        assert ask(url, 3) == [(os.getpid(), 200)] * 3


def test_who_has_answered_is_not_kept_from_visitors_until_the_other_answers_are_there() -> None:
    server = Server()
    with serving(server) as url:
        ask(url, 4)
    assert len(server.lingered) == 4
    assert max(server.lingered) < LINGERS / 5


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_its_time_and_keeps_no_other_one() -> None:
    with serving(Server(silent=1)) as url:
        answers = ask(url, 2, timeout=0.3)
    assert [answer for _, answer in answers] == ["does not answer: timed out", 200]


def test_where_nobody_listens_nothing_is_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert ask(f"http://127.0.0.1:{port}/", 2) == [(None, "does not answer: [Errno 111] Connection refused")]
