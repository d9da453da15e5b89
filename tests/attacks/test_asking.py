"""Who answers may be anybody, and answer anything: nobody is held, and nothing is filled with it."""

from __future__ import annotations

import gzip
import itertools
import os
import pwd
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.host.http import ask
from agent.restart.answering import ask_at_once
from agent.service import supervisor
from agent.service.supervisor import Supervisor
from agent.transaction.step import StepFailed
from agent.visitors import site
from tests.unit.healthy import host_settings

LIMIT, PAUSE = 0.5, 0.1
# What a test may take that is not the question itself, seconds.
SLACK = 2.0
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(parts: Callable[[], Iterable[bytes]], listening: socket.socket) -> Iterator[socket.socket]:
    """Somebody who answers each connection with these parts, as fast as they are made, and takes no notice of it."""
    over = threading.Event()

    def answer(line: socket.socket) -> None:
        with line:
            try:
                for part in parts():
                    line.sendall(part)
                    if over.is_set():
                        return
                over.wait()
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(line,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@contextmanager
def web(parts: Callable[[], Iterable[bytes]], scheme: str = "http") -> Iterator[str]:
    with answering(parts, socket.create_server(("127.0.0.1", 0))) as listening:
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"


def slowly(text: bytes) -> Iterator[bytes]:
    """A byte before each time at which anybody would give up a silent line."""
    for number in itertools.count():
        yield text[number % len(text)].to_bytes(1, "big")
        time.sleep(PAUSE)


ANSWERS: dict[str, Callable[[], Iterable[bytes]]] = {
    "nothing": list,
    "100 Continue without end": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue now and then": lambda: slowly(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a byte now and then": lambda: slowly(b"HTTP/1.1 200 OK\r\n"),
    "a head without end": lambda: itertools.chain([HEAD], itertools.repeat(b"X-More: " + b"x" * 60_000 + b"\r\n")),
    "a line without end": lambda: itertools.repeat(b"x" * 60_000),
    "a header now and then": lambda: itertools.chain([HEAD], slowly(b"X: y\r\n")),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whatever_comes_a_question_is_over_in_its_time(name: str, scheme: str) -> None:
    began = time.monotonic()
    with web(ANSWERS[name], scheme) as url:
        assert "does not answer" in str(ask(url, {}, 200, LIMIT))
    assert time.monotonic() - began < LIMIT + SLACK


def test_redirects_that_each_take_a_while_have_one_time_together() -> None:
    number = itertools.count()

    def parts() -> Iterator[bytes]:
        time.sleep(PAUSE)
        yield b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /%d\r\n\r\n" % next(number)

    began = time.monotonic()
    with web(parts) as url:
        assert "timed out" in str(ask(url, {}, 200, 3.5 * PAUSE))
    assert time.monotonic() - began < 3.5 * PAUSE + SLACK


@pytest.mark.parametrize("body", [lambda: itertools.repeat(b"x" * 60_000), lambda: slowly(b"x")])
def test_a_page_without_end_is_read_no_further_than_it_takes_to_know_it(
    body: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "LOOK_TIMEOUT", LIMIT)
    began = time.monotonic()
    with web(lambda: itertools.chain([HEAD + b"\r\n"], body())) as url:
        assert ask(url, {}, 200, LIMIT) is None
        site.look(host_settings(website_url=url))
        assert ask(url, {}, 204, LIMIT) is not None
    assert time.monotonic() - began < 3 * LIMIT + SLACK


@pytest.mark.parametrize("name", ANSWERS)
def test_of_several_questions_at_once_the_same_holds(name: str) -> None:
    began = time.monotonic()
    with web(ANSWERS[name]) as url:
        answers = ask_at_once(3, lambda: {os.getpid()}, url, {}, LIMIT)
    assert {str(answer).partition(":")[0] for _, answer in answers} == {"does not answer"}
    assert time.monotonic() - began < 2 * LIMIT + SLACK


def test_a_name_server_that_is_silent_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = threading.Event()

    def nothing(*_: object, flags: int = 0, **__: object) -> tuple[()]:
        if flags:
            raise socket.gaierror
        silent.wait()
        return ()

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    began = time.monotonic()
    assert str(ask("http://shop.example/", {}, 200, LIMIT)).endswith("does not answer: timed out")
    assert time.monotonic() - began < LIMIT + SLACK
    silent.set()


def test_what_an_answer_says_of_itself_is_shown_and_obeyed_by_no_terminal() -> None:
    evil = b"HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\n\x1b[2J\xc2\x9b2J\r"
    with web(lambda: [evil]) as url:
        assert str(ask(url, {}, 200, LIMIT)).isprintable()
    with web(lambda: [b"\x1b[2J\r\x07 not HTTP\r\n\r\n"]) as url:
        assert str(ask(url, {}, 200, LIMIT)).isprintable()


# --- supervisord's socket is a file, and the app's user may listen there

BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
WIDE = f'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a0 "x">{BOMB}]><x/>'
TELLING = {
    "nothing": b"",
    "no XML": b"\x00\xff" * 100,
    "no answer": b"<methodResponse></methodResponse>",
    "half a struct": b"<methodResponse><params><param><value><struct><member></member></struct></value>"
    b"</param></params></methodResponse>",
    "a struct of odd length": b"<params><param><value><struct><name>a</name></struct></value></param></params>",
    "another kind": xmlrpc.client.dumps(({"a": [1]},), methodresponse=True).encode(),
    "names for nothing": xmlrpc.client.dumps(([{"name": "x" * 1000}],), methodresponse=True).encode(),
    "what grows": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "x">{BOMB}]><methodResponse><params><param><value>'
    "<string>&a9;</string></value></param></params></methodResponse>".encode(),
    "the same in another encoding": WIDE.encode("utf-16"),
    "deep": b"<params><param>" + b"<value><array><data>" * 100_000,
}


@contextmanager
def listening_at(path: Path, parts: Callable[[], Iterable[bytes]]) -> Iterator[Supervisor]:
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(path))
        there.listen(5)
        with answering(parts, there):
            yield Supervisor({"unix_http_server": {"file": str(path)}}, pwd.getpwuid(os.getuid()).pw_name)


@pytest.mark.parametrize("name", TELLING)
def test_what_is_no_answer_of_supervisords_is_a_finding(name: str, tmp_path: Path) -> None:
    said = HEAD + b"Content-Length: %d\r\n\r\n" % len(TELLING[name]) + TELLING[name]
    with listening_at(tmp_path / "s", lambda: [said]) as one, pytest.raises(StepFailed, match="supervisord"):
        one.processes()


def test_packed_it_is_not_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b"x" * 100_000_000)
    said = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    with listening_at(tmp_path / "s", lambda: [said]) as one, pytest.raises(StepFailed, match="supervisord"):
        one.processes()


@pytest.mark.parametrize("name", ANSWERS)
def test_supervisord_is_waited_for_no_longer_than_it_may_take(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "ANSWER_TIMEOUT", LIMIT)
    began = time.monotonic()
    with (
        listening_at(tmp_path / "s", ANSWERS[name]) as one,
        pytest.raises(StepFailed, match="supervisord does not answer"),
    ):
        one.processes()
    assert time.monotonic() - began < LIMIT + SLACK


def test_a_refusal_is_told_in_few_words_that_no_terminal_obeys(tmp_path: Path) -> None:
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(1, "no \x1b[2J" + "x" * 100_000), methodresponse=True).encode()
    said = HEAD + b"Content-Length: %d\r\n\r\n" % len(fault) + fault
    with listening_at(tmp_path / "s", lambda: [said]) as one, pytest.raises(StepFailed) as refused:
        one.start("web")
    assert len(str(refused.value)) < 1000
