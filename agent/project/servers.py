"""The servers that a project may name for itself, and how each is started here: on the socket that supervisord holds,
with its own options but those of an address, and so that it is done with its requests before it is killed. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from agent.environment.start import ASSIGNED
from agent.inside.lean import dataclass
from agent.service.obstacles import WORKER

# What a server serves, as its command line has it; a module alone is one where its name says so.
NAMED = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)", re.ASCII)
ALONE = re.compile(r"(?:[A-Za-z_]\w*\.)*\w*(?:wsgi|asgi)\w*", re.ASCII)
# What nobody means who has something run by supervisord, by server.
DAEMON = ("-D", "--daemon")
# How much sooner than it would be killed a server is done with its requests, seconds.
SOONER = 5


@dataclass(frozen=True)
class Server:
    """How a server is started.

    + listens: what has it serve on the socket that it is handed
    + valued: the options of its own that say where it listens, and what else is not for a site, each with a value
    + flags: those without one
    + graceful: the option that says how long its requests may take to end
    + asynchronous: whether it serves ASGI alone
    """

    name: str
    listens: tuple[str, ...]
    valued: tuple[str, ...]
    flags: tuple[str, ...] = ()
    graceful: str = ""
    asynchronous: bool = True


SERVERS = {
    one.name: one
    for one in (
        Server(
            "gunicorn",
            ("--bind", "fd://0"),
            ("-b", "--bind", "-p", "--pid", "--reload-engine", "--reload-extra-file"),
            (*DAEMON, "--reload"),
            "--graceful-timeout",
            asynchronous=False,
        ),
        Server(
            "uvicorn",
            ("--fd", "0"),
            (
                "--host",
                "--port",
                "--uds",
                "--fd",
                "--reload-dir",
                "--reload-include",
                "--reload-exclude",
            ),
            ("--reload",),
            "--timeout-graceful-shutdown",
        ),
        Server(
            "hypercorn",
            ("--bind", "fd://0"),
            ("-b", "--bind", "--insecure-bind", "--quic-bind", "-p", "--pid"),
            (*DAEMON, "--reload"),
            "--graceful-timeout",
        ),
        Server(
            "daphne",
            ("--fd", "0"),
            ("-b", "--bind", "-p", "--port", "-u", "--unix-socket", "--fd", "-e", "--endpoint"),
        ),
    )
}


@dataclass(frozen=True)
class Named:
    """What a command of a project's says of its server.

    + server: which; before: the variables that stand before it; options: its own, less what is not for here
    + module, name: what it serves; empty where it does not say
    """

    server: Server
    before: tuple[str, ...]
    options: tuple[str, ...]
    module: str = ""
    name: str = ""

    @property
    def asynchronous(self) -> bool:
        """Whether what it serves is ASGI, as far as the command tells."""
        return self.server.asynchronous or "asgi" in self.module or "Uvicorn" in " ".join(self.options)


def named(words: Sequence[str]) -> Named | None:
    """What a command says of its server; None where that is none that can be handed a socket, or it can't be told."""
    rest, before = list(words), list[str]()
    while rest and ASSIGNED.fullmatch(rest[0]):
        before.append(rest.pop(0))
    if rest and re.fullmatch(r"python[\d.]*", os.path.basename(rest[0])) and rest[1:2] == ["-m"]:
        rest = rest[2:]
    server = SERVERS.get(os.path.basename(rest[0])) if rest else None
    # A factory makes the application only once it is called.
    if server is None or "--factory" in rest:
        return None
    options = _kept(server, rest[1:])
    apps = [word for word in options if NAMED.fullmatch(word)] or [word for word in options if ALONE.fullmatch(word)]
    if not apps:
        return Named(server, tuple(before), tuple(options))
    # What is served stands at the end, most often; the options have it as a value.
    at = len(options) - 1 - options[::-1].index(apps[-1])
    module, _, name = apps[-1].partition(":")
    return Named(server, tuple(before), tuple(options[:at] + options[at + 1 :]), module, name or "application")


def _kept(server: Server, words: Sequence[str]) -> list[str]:
    """The words of a server's own, less where it listens."""
    kept, skips = list[str](), False
    for word in words:
        if skips:
            skips = False
            continue
        option = word.partition("=")[0]
        if option in server.valued:
            skips = "=" not in word
        elif not _is_short(server, word) and word not in server.flags:
            kept.append(word)
    return kept


def _is_short(server: Server, word: str) -> bool:
    """Whether a word is a short option with its value at once, as -b:8000 is."""
    return not word.startswith("--") and any(len(one) == 2 and word.startswith(one) for one in server.valued)


def command(one: Named, application: str, stop: int) -> tuple[tuple[str, ...], int]:
    """The words that start a server on the socket of supervisord's, and how long it may then take to end, seconds.

    + application: what it serves here; stop: how long it may take, as far as that is open
    """
    server, options = one.server, list(one.options)
    if one.asynchronous and server.name == "gunicorn" and not _value(options, "-k", "--worker-class"):
        options = [*WORKER.split(), *options]
    if server.graceful:
        own = _value(options, server.graceful)
        if own and re.fullmatch(r"[0-9]{1,5}", own):
            stop = max(stop, int(own) + SOONER)
        elif not own:
            options = [server.graceful, str(max(1, stop - SOONER)), *options]
    return (*one.before, "python", "-m", server.name, *server.listens, *options, application), max(stop, 2)


def _value(words: Sequence[str], *names: str) -> str:
    """The value of an option; empty where it is not given."""
    for number, word in enumerate(words):
        option, joined, value = word.partition("=")
        if option in names:
            return value if joined else "".join(words[number + 1 : number + 2])
    return ""
