"""A server that a project names for itself: started here on the socket that supervisord holds, with its own options but
those of an address, and so that it is done with its requests before it is killed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.environment.start import ASSIGNED
from agent.inside.lean import dataclass
from agent.service.obstacles import WORKER
from agent.service.servers import Server, option, server_of

# What a server serves, as its command line has it; a module alone is one where its name says so.
NAMED = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)", re.ASCII)
ALONE = re.compile(r"(?:[A-Za-z_]\w*\.)*\w*(?:wsgi|asgi)\w*", re.ASCII)
# How uwsgi is told what it serves; and what of its own has it end, and not begin anew, when supervisord says so.
MODULE = ("--module", "-w", "--wsgi")
ENDS = ("--master", "--need-app", "--die-on-term")
# Where a server has its options from a file, that may say what it serves, and where.
FROM_FILE = ("--ini", "--yaml", "--yml", "--json", "--xml", "--wsgi-file")
# How much sooner than it would be killed a server is done with its requests, seconds.
SOONER = 5


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
    server, rest = server_of(rest)
    # A factory makes the application only once it is called.
    if server is None or "--factory" in rest or (server.program and option(rest, *FROM_FILE) is not None):
        return None
    options, apps = _kept(server, rest), list[str]()
    if server.program:
        apps = [one for one in [option(options, *MODULE)] if one]
        options = _without(options, (*server.valued, *MODULE), ENDS)
    else:
        there = [word for word in options if NAMED.fullmatch(word)] or [
            word for word in options if ALONE.fullmatch(word)
        ]
        apps = there[-1:]
        if apps:
            # What is served stands at the end, most often; the options have it as a value.
            at = len(options) - 1 - options[::-1].index(apps[0])
            options = options[:at] + options[at + 1 :]
    module, _, name = apps[0].partition(":") if apps else ("", "", "")
    return Named(server, tuple(before), tuple(options), module, (name or "application") if module else "")


def _kept(server: Server, words: Sequence[str]) -> list[str]:
    """The words of a server's own, less where it listens."""
    return _without(words, server.valued, server.flags)


def packages_of(words: Sequence[str], kind: str) -> tuple[str, ...]:
    """The packages that serve a project, as far as it need not name them itself.

    + words: how it says that its server is started; kind: wsgi or asgi

        >>> packages_of((), "asgi"), packages_of(("daphne", "mysite.asgi:application"), "asgi")
        (('gunicorn', 'uvicorn', 'uvicorn-worker'), ('daphne',))
    """
    one = named(words)
    if words and (one is None or one.server.program):
        # There are several packages of the one, and of a server of its own only the project knows.
        return ()
    if one and one.server.name != "gunicorn":
        return (one.server.name,)
    own = option(one.options, "-k", "--worker-class") if one else None
    if kind == "asgi" and own in (None, WORKER.split()[1]):
        return ("gunicorn", "uvicorn", "uvicorn-worker")
    return ("gunicorn",)


def _without(words: Sequence[str], valued: Sequence[str], flags: Sequence[str]) -> list[str]:
    """Words without some options: those with a value, and flags."""
    kept, skips = list[str](), False
    short = tuple(one for one in valued if len(one) == 2)
    for word in words:
        if skips:
            skips = False
        elif word.partition("=")[0] in valued:
            skips = "=" not in word
        elif word not in flags and not word.startswith(short or "\0"):
            kept.append(word)
    return kept


def command(one: Named, application: str, stop: int) -> tuple[tuple[str, ...], int]:
    """The words that start a server on the socket of supervisord's, and how long it may then take to end, seconds.

    + application: what it serves here, called after its kind; stop: how long it may take, as far as that is open
    """
    server, options = one.server, list(one.options)
    if application.startswith("asgi") and server.name == "gunicorn" and not option(options, "-k", "--worker-class"):
        options = [*WORKER.split(), *options]
    if server.graceful:
        own = option(options, server.graceful)
        if own is None:
            options = [server.graceful, str(max(1, stop - SOONER)), *options]
        elif re.fullmatch(r"[0-9]{1,5}", own):
            stop = max(stop, int(own) + SOONER)
    served = (*ENDS, MODULE[0], application) if server.program else (application,)
    return (*one.before, *server.words, *server.listens, *options, *served), max(stop, 2)
