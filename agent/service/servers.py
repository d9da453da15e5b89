"""The servers that can be handed the socket that supervisord holds, and what each does with its requests when it is to
end. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from agent.inside.lean import dataclass

PYTHON = re.compile(r"python[\d.]*")
# What nobody means who has something run by supervisord.
DAEMON = ("-D", "--daemon")


@dataclass(frozen=True)
class Server:
    """A server, and how it is started.

    + listens: what has it serve on the socket that it is handed
    + valued: the options of its own that say where it listens, and what else is not for a site, each with a value
    + flags: those without one
    + graceful: the option that says how long its requests may take to end; grace: what it takes where that is not
      given, seconds, None for as long as they like
    + asynchronous: whether it serves ASGI alone
    + cuts: what it does with a request that it is at when it is told to end; empty where it lets it end
    + program: whether it is a program of its own, and no module of Python's
    """

    name: str
    listens: tuple[str, str]
    valued: tuple[str, ...]
    flags: tuple[str, ...] = ()
    graceful: str = ""
    grace: int | None = None
    asynchronous: bool = True
    cuts: str = ""
    program: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """How it is started, by the version's own Python."""
        return (self.name,) if self.program else ("python", "-m", self.name)


# Each was tried: replaced again and again, one process after the other, while visitors asked for pages, some of which
# take a second.
SERVERS = {
    one.name: one
    for one in (
        Server(
            "gunicorn",
            ("--bind", "fd://0"),
            ("-b", "--bind", "-p", "--pid", "--reload-engine", "--reload-extra-file"),
            (*DAEMON, "--reload"),
            "--graceful-timeout",
            30,
            asynchronous=False,
        ),
        Server(
            "uvicorn",
            ("--fd", "0"),
            ("--host", "--port", "--uds", "--fd", "--reload-dir", "--reload-include", "--reload-exclude"),
            ("--reload",),
            "--timeout-graceful-shutdown",
        ),
        Server(
            "hypercorn",
            ("--bind", "fd://0"),
            ("-b", "--bind", "--insecure-bind", "--quic-bind", "-p", "--pid"),
            (*DAEMON, "--reload"),
            "--graceful-timeout",
            3,
            cuts="may drop a request that comes as it ends",
        ),
        Server(
            "daphne",
            ("--fd", "0"),
            ("-b", "--bind", "-p", "--port", "-u", "--unix-socket", "--fd", "-e", "--endpoint"),
            cuts="drops the requests that it is at when it ends",
        ),
        Server(
            "uwsgi",
            ("--http-socket", "fd://0"),
            ("--http", "--http-socket", "--socket", "-s", "--protocol", "--pidfile", "--daemonize", "-d"),
            (),
            asynchronous=False,
            cuts="drops the requests that it is at when it ends",
            program=True,
        ),
    )
}


def server_of(argv: Sequence[str]) -> tuple[Server | None, list[str]]:
    """The server that a command starts, and the words after that; None where it is none of these."""
    rest = list(argv)
    if rest and PYTHON.fullmatch(os.path.basename(rest[0])) and rest[1:2] == ["-m"]:
        rest = rest[2:]
    return (SERVERS.get(os.path.basename(rest[0])), rest[1:]) if rest else (None, [])


def option(argv: Sequence[str], *names: str) -> str | None:
    """The value of a command's option, in either way of writing it; None where it is not given."""
    for number, word in enumerate(argv):
        if word in names and number + 1 < len(argv):
            return argv[number + 1]
        name, found, value = word.partition("=")
        if found and name in names:
            return value
    return None


def listens_there(server: Server, argv: Sequence[str]) -> bool:
    """Whether a command has its server serve on the socket that it is handed."""
    name, value = server.listens
    return option(argv, name, *(("-b",) if name == "--bind" else ())) == value


def grace_of(server: Server, argv: Sequence[str]) -> int | None:
    """How long a server lets its requests end, seconds; None for as long as they like."""
    text = option(argv, server.graceful) if server.graceful else None
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else server.grace
