"""Asking over the network, or over a socket of this host: nothing else here opens a connection. Whoever answers may be
anybody: one deadline holds for all of a question, from the name that is looked up to the last byte that is read, and of
an answer so much is taken and no more."""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import SplitResult

from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.text.lines import cut, shown
from agent.text.masking import masked_urls

# What is raised where no answer comes that is one.
NOTHING = (OSError, http.client.HTTPException)
# How much may come in all, the head included, bytes: no web server sends half as much of a head.
MOST = 256 * 1024
# And of what is posted to: it may tell of hundreds of processes.
TOLD = 4 * 1024 * 1024
# How much of an answer is read to show its first words, bytes; and how much of an error is told, characters.
READ, SHOWN = 4096, 200
# Of an address, what a socket is made with.
Place = tuple[int, int, int, str, tuple[object, ...]]
AGENT = {"User-Agent": "switchback"}


class _Line(io.RawIOBase):
    """A socket as http.client wants one: what comes over it is counted, and timed. To close it is the caller's."""

    def __init__(self, line: socket.socket, until: float, most: int) -> None:
        self._line, self._until, self._left = line, until, most

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    # Whatever can be written to: its type has a name only since Python 3.12.
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._line.settimeout(left(self._until))
        got = self._line.recv_into(buffer)
        self._left -= got
        if self._left < 0:
            raise OSError("its answer has no end")
        return got

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._line.settimeout(left(self._until))
            rest = rest[self._line.send(rest) :]

    def close(self) -> None:
        """Nothing: http.client closes before it has read."""


class Connection(http.client.HTTPConnection):
    """One question, and its answer. Raises OSError, HTTPException.

    + until: by when all of it has to be over, by the monotonic clock
    + most: how much may come, bytes
    + reach: how it is connected; as the URL says, unless told otherwise
    """

    line: socket.socket

    def __init__(
        self,
        netloc: str,
        until: float,
        *,
        secure: bool = False,
        most: int = MOST,
        reach: Callable[[], socket.socket] | None = None,
    ) -> None:
        self.default_port = 443 if secure else 80
        super().__init__(netloc)
        self._secure, self._until, self._most, self._reach = secure, until, most, reach

    def connect(self) -> None:
        self.line = self._reach() if self._reach else _reached(self.host, self.port, self._until)
        if self._secure:
            self.line.settimeout(left(self._until))
            self.line = _tls().wrap_socket(self.line, server_hostname=self.host)
        self.sock = _Line(self.line, self._until, self._most)

    def hang_up(self) -> None:
        """Close it."""
        self.close()
        if "line" in vars(self):
            self.line.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()


def left(until: float) -> float:
    """How long there is until then, seconds. Raises TimeoutError when it is over."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _reached(host: str, port: int, until: float) -> socket.socket:
    """A connection to a host. Each of its addresses has its part of the time."""
    places, problem = _places(host, port, until), OSError(f"{host} has no address")
    for number, (family, kind, protocol, _, address) in enumerate(places):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(left(until) / (len(places) - number))
            line.connect(address)
            return line
        except OSError as error:
            line.close()
            problem = error
    raise problem


def _places(host: str, port: int, until: float) -> Sequence[Place]:
    """The addresses of a host. A name server may be silent for longer than anybody waits, and can't be told to stop."""
    with_name = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        return with_name(flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found: list[Place] = []
        wrong: list[str] = []

    def look_up() -> None:
        try:
            found.extend(with_name())
        except (OSError, UnicodeError) as error:
            wrong.append(why_not(error))

    looking = threading.Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(left(until))
    if not found:
        raise OSError(wrong[0] if wrong else "timed out")
    return found


def is_found(url: SplitResult, until: float) -> None:
    """Look up the host of a URL, and ask it nothing. Raises OSError where it has no address, ValueError for no URL."""
    _places(url.hostname or "", url.port or (443 if url.scheme == "https" else 80), until)


def at_socket(path: str, user: str, until: float) -> socket.socket:
    """A connection to a socket that is a file, with the rights of the user whose path that is."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(left(until))
        with acting_as(user):
            line.connect(path)
    except BaseException:
        line.close()
        raise
    return line


@dataclass(frozen=True)
class Question:
    """What is asked, and what goes with it."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """The beginning of an answer."""

    status: int
    location: str
    cookies: Sequence[str]
    body: bytes


def get(url: SplitResult, headers: Mapping[str, str], until: float, most: int | None = None) -> Answer:
    """Get the beginning of an answer. Raises OSError, and ValueError for what is no URL.

    + until: by when it has to be there, by the monotonic clock
    + most: how much of it is read, bytes; unless told otherwise the first words of one that is not well
    """
    return _asked(url, Question("GET", headers), until, most)


def send(url: SplitResult, headers: Mapping[str, str], body: bytes, until: float) -> Answer:
    """Send something to a web address, and get the beginning of its answer: nobody follows where that leads.

    Raises OSError, and ValueError for what is no URL.

    + until: by when that has to be there, by the monotonic clock
    """
    return _asked(url, Question("POST", headers, body), until)


def _asked(url: SplitResult, question: Question, until: float, most: int | None = None) -> Answer:
    try:
        with Connection(url.netloc, until, secure=url.scheme == "https") as connection:
            connection.request(question.method, get_path(url), question.body, {**AGENT, **question.headers})
            found, body = connection.getresponse(), b""
            most = most if most is not None else READ if found.status >= 300 else 0
            while len(body) < most and (piece := found.read1(most - len(body))):
                body += piece
            cookies = found.headers.get_all("Set-Cookie") or []
            return Answer(found.status, found.getheader("Location", ""), cookies, body)
    except http.client.HTTPException as error:
        raise OSError(why_not(error)) from None


def get_path(url: SplitResult) -> str:
    """What a web server is asked for."""
    return (url.path or "/") + ("?" + url.query if url.query else "")


def post(reach: Callable[[], socket.socket], path: str, headers: Mapping[str, str], body: bytes, until: float) -> str:
    """Send something, and return the text of the answer. Raises OSError, and UnicodeDecodeError.

    + reach: how it is connected
    """
    try:
        with Connection("localhost", until, most=TOLD, reach=reach) as connection:
            connection.request("POST", path, body, {**AGENT, **headers})
            found = connection.getresponse()
            if found.status != http.client.OK:
                raise OSError(f"it answers {found.status}")
            return found.read(TOLD).decode()
    except http.client.HTTPException as error:
        raise OSError(why_not(error)) from None


def why_not(error: Exception) -> str:
    """What went wrong with a question, in words."""
    return shown(cut(masked_urls(" ".join(str(error).split())), SHOWN)) or type(error).__name__


@functools.lru_cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
