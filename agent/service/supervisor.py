"""A supervisord that runs the app's processes, asked in its own way what they do, and to start and stop one."""

from __future__ import annotations

import base64
import http.client
import socket
import time
import xmlrpc.client
from typing import TypeVar
from xml.parsers.expat import ExpatError

from agent.host.processes import runs, started_at
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.service.supervisor_config import Sections, Unreadable, socket_of
from agent.transaction.step import StepFailed
from agent.words import shapes

T = TypeVar("T")

# One answer of supervisord's may take this long, seconds.
ANSWER_TIMEOUT = 10.0
LOOK = 0.02
# The states of a process, as supervisord numbers them.
STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL = 0, 10, 20, 30, 40, 100, 200
UP = (STARTING, RUNNING)
DOWN = (STOPPED, EXITED, FATAL)


@dataclass(frozen=True)
class Told:
    """What supervisord says of a process.

    + state: as it numbers them; stop: when it has ended last, seconds since the epoch
    + spawnerr: why it could not be started
    """

    name: str
    group: str
    state: int
    statename: str
    pid: int
    stop: int
    exitstatus: int
    spawnerr: str

    @property
    def full_name(self) -> str:
        """What supervisord is asked for it by."""
        return f"{self.group}:{self.name}"


class Refusal(StepFailed):
    """supervisord was asked for something, and refused it."""


class Supervisor:
    """A running supervisord, asked through its own socket as the app's user."""

    def __init__(self, sections: Sections, user: str) -> None:
        told, path = sections.get("unix_http_server", {}), socket_of(sections)
        if not path:
            raise Unreadable("its config has no [unix_http_server], so it can't be asked")
        client = sections.get("supervisorctl", {})
        name, word = (told.get(key) or client.get(key) or "" for key in ("username", "password"))
        self._asked = xmlrpc.client.ServerProxy(
            "http://supervisor/RPC2", transport=_Transport(path, user, f"{name}:{word}" if name else "")
        ).supervisor

    def ask(self, method: str, *arguments: object) -> object:
        """Ask for something. Raises Refusal, and StepFailed when nobody answers."""
        try:
            answer: object = getattr(self._asked, method)(*arguments)
            return answer
        except xmlrpc.client.Fault as fault:
            raise Refusal(
                f"supervisord refuses {method} {' '.join(map(str, arguments))}: {fault.faultString}"
            ) from None
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
            raise StepFailed(f"supervisord does not answer: {error or type(error).__name__}") from None

    def _told(self, shape: type[T], method: str, *arguments: object) -> T:
        answer = self.ask(method, *arguments)
        try:
            return shapes.read(shape, answer, method)
        except shapes.Unreadable as problem:
            raise StepFailed(f"supervisord answers something else: {problem}") from None

    def processes(self) -> tuple[Told, ...]:
        """What supervisord says of each of its processes."""
        return self._told(tuple[Told, ...], "getAllProcessInfo")

    def info(self, name: str) -> Told:
        """What it says of one, `group:name`."""
        return self._told(Told, "getProcessInfo", name)

    def stop(self, name: str, seconds: float) -> None:
        """Stop a process and wait for its end. Raises StepFailed."""
        told = self.info(name)
        if told.state in DOWN:
            return
        try:
            self.ask("stopProcess", name, False)
        except StepFailed:
            # It has ended by itself meanwhile, or is being stopped already.
            if self.info(name).state not in (*DOWN, STOPPING):
                raise
        self._wait_until_down(name, told.pid, seconds)

    def start(self, name: str) -> None:
        """Start a process, and come back at once."""
        self.ask("startProcess", name, False)

    def _wait_until_down(self, name: str, pid: int, seconds: float) -> None:
        """Wait until a process has ended, and supervisord knows. Raises StepFailed.

        Asking is also what makes supervisord look: left alone it does so once a second. While the process still runs,
        to ask would only take from those who serve visitors.
        """
        end, started = time.monotonic() + seconds, started_at(pid)
        while runs(pid, started) or self.info(name).state not in DOWN:
            if time.monotonic() > end:
                raise StepFailed(f"{name} is {self.info(name).statename} after {seconds:.0f} s")
            time.sleep(LOOK)

    def reread(self) -> tuple[tuple[str, ...], ...]:
        """Have the config read anew. Returns the groups that are new, different and gone; none of them is touched."""
        return self._told(tuple[tuple[tuple[str, ...], ...], ...], "reloadConfig")[0]


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: str, user: str, login: str) -> None:
        super().__init__()
        self._path, self._user, self._login = path, user, login

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        # A new one each time: nothing then depends on whether supervisord has closed the last one.
        return _Connection(self._path, self._user)

    def send_headers(self, connection: http.client.HTTPConnection, headers: list[tuple[str, str]]) -> None:
        if self._login:
            word = base64.b64encode(self._login.encode()).decode()
            headers = [*headers, ("Authorization", f"Basic {word}")]
        super().send_headers(connection, [*headers, ("Connection", "close")])


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, user: str) -> None:
        super().__init__("supervisor", timeout=ANSWER_TIMEOUT)
        self._path, self._user = path, user

    def connect(self) -> None:
        """Connect with the app user's rights: the path is that user's to lay."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with acting_as(self._user):
            self.sock.connect(self._path)
