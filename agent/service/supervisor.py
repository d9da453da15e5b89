"""A supervisord that runs the app's processes, asked in its own way what they do, and to start and stop one."""

from __future__ import annotations

import base64
import time
import xmlrpc.client
from collections.abc import Mapping
from functools import partial
from typing import TypeVar, Union

from agent.host.asking import at_socket, post, why_not
from agent.host.processes import runs, started_at
from agent.inside.lean import dataclass
from agent.service.supervisor_config import Sections, Unreadable, socket_of
from agent.text.lines import bounded
from agent.transaction.step import StepFailed
from agent.words import shapes

T = TypeVar("T")
Argument = Union[str, int, bool]

# One answer of supervisord's may take this long, seconds.
ANSWER_TIMEOUT = 10.0
# How much of a refusal is told, characters.
SHOWN = 500
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


@dataclass(frozen=True)
class Ending:
    """A process that was told to end: its name, its id, and when it was started."""

    name: str
    pid: int
    started: str | None


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
        login = base64.b64encode(f"{name}:{word}".encode()).decode()
        self._headers = {"Content-Type": "text/xml", **({"Authorization": f"Basic {login}"} if name else {})}
        self._path, self._user = path, user

    def ask(self, method: str, *arguments: Argument) -> object:
        """Ask for something. Raises Refusal, and StepFailed when nobody answers, or something that is no answer."""
        until = time.monotonic() + ANSWER_TIMEOUT
        # With the app user's rights: the path is that user's to lay.
        reach = partial(at_socket, self._path, self._user, until)
        try:
            body = xmlrpc.client.dumps(arguments, f"supervisor.{method}").encode()
            said = post(reach, "/RPC2", self._headers, body, until)
            if "<!" in said:
                # As much as somebody likes can be made of a few bytes by what is declared in them.
                raise OSError("it answers with declarations of its own")
        except (OSError, UnicodeDecodeError) as error:
            raise StepFailed(f"supervisord does not answer: {why_not(error)}") from None
        try:
            answer: object = xmlrpc.client.loads(said)[0][0]
            return answer
        except xmlrpc.client.Fault as fault:
            why = bounded(str(fault.faultString), SHOWN, SHOWN)
            raise Refusal(f"supervisord refuses {method} {' '.join(map(str, arguments))}: {why}") from None
        except Exception as error:  # noqa: BLE001 - whatever it is in which somebody's text is no answer
            raise StepFailed(f"supervisord answers something else: {why_not(error)}") from None

    def _told(self, shape: type[T], method: str, *arguments: Argument) -> T:
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
        self.stop_all({name: seconds})

    def stop_all(self, seconds: Mapping[str, float]) -> dict[str, float]:
        """Stop processes side by side, and wait for their ends. Returns how long each took, seconds. Raises StepFailed.

        + seconds: how long each may take, by `group:name`
        """
        began, took = time.monotonic(), dict[str, float]()
        waits = [one for one in map(self.tell_to_end, seconds) if one]
        while waits:
            for one in [one for one in waits if self.has_ended(one)]:
                took[one.name] = time.monotonic() - began
                waits.remove(one)
            late = [one.name for one in waits if time.monotonic() - began > seconds[one.name]]
            if late:
                raise StepFailed(f"{late[0]} is {self.info(late[0]).statename} after {seconds[late[0]]:.0f} s")
            if waits:
                time.sleep(LOOK)
        return took

    def tell_to_end(self, name: str) -> Ending | None:
        """Have a process told to end, and come back at once; None where it does not run. Raises StepFailed."""
        told = self.info(name)
        if told.state in DOWN:
            return None
        ending = Ending(name, told.pid, started_at(told.pid))
        try:
            self.ask("stopProcess", name, False)
        except StepFailed:
            # It has ended by itself meanwhile, or is being stopped already.
            if self.info(name).state not in (*DOWN, STOPPING):
                raise
        return ending

    def has_ended(self, one: Ending) -> bool:
        """Whether a process has ended, and supervisord knows.

        Asking is also what makes supervisord look: left alone it does so once a second. While the process still runs,
        to ask would only take from those who serve visitors.
        """
        return not runs(one.pid, one.started) and self.info(one.name).state in DOWN

    def start(self, name: str) -> None:
        """Start a process, and come back at once."""
        self.ask("startProcess", name, False)

    def reread(self) -> tuple[tuple[str, ...], ...]:
        """Have the config read anew. Returns the groups that are new, different and gone; none of them is touched."""
        return self._told(tuple[tuple[tuple[str, ...], ...], ...], "reloadConfig")[0]
