"""supervisord, which runs the app's processes: its config, and its own way of being asked to start and stop one."""

from __future__ import annotations

import base64
import configparser
import contextlib
import glob
import http.client
import os
import shlex
import socket
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from agent.host.processes import runs, started_at
from agent.host.reading import read_ordinary
from agent.host.users import acting_as
from agent.text.lines import first_line
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout

Sections = dict[str, dict[str, str]]

KINDS = ("fcgi-program", "program", "eventlistener")
# What concerns supervisorctl alone, or is a way of writing the rest.
PASSED_OVER = ("supervisorctl", "include")
# One answer of supervisord's may take this long, seconds.
ANSWER_TIMEOUT = 10.0
LOOK = 0.02
# The states of a process, as supervisord numbers them.
STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL = 0, 10, 20, 30, 40, 100, 200
UP = (STARTING, RUNNING)
DOWN = (STOPPED, EXITED, FATAL)


# Starts a Python at the path that a link to its environment leads to by then: whatever it imports later is of the same
# version, though the link leads to another one. Its words: the environment, then what Python is given.
RESOLVE = 'exec "$(readlink -f "$0")/bin/python" "$@"'


def resolved(venv: str, arguments: str) -> str:
    """The command line of a program that follows the links once, as it starts.

    + venv: the environment, by way of a link; arguments: what its Python is given

        >>> resolved("/home/app/venv", "-m gunicorn")
        '/bin/sh -c \\'exec "$(readlink -f "$0")/bin/python" "$@"\\' /home/app/venv -m gunicorn'
    """
    return f"/bin/sh -c '{RESOLVE}' {venv} {arguments}"


class Unreadable(StepFailed):
    """A config of supervisord's can't be read, and why."""


@dataclass(frozen=True)
class Program:
    """A program of the config: one or several processes of the same kind."""

    name: str
    kind: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many processes it has."""
        return _number(self.options.get("numprocs"), 1)

    @property
    def stop_seconds(self) -> int:
        """How long a process may take to stop before it is killed."""
        return _number(self.options.get("stopwaitsecs"), 10)

    @property
    def words(self) -> list[str]:
        """Its command in words as they are written; an empty list where it can't be split."""
        try:
            return shlex.split(self.options.get("command", ""))
        except ValueError:
            return []

    @property
    def is_resolved(self) -> bool:
        """Whether its command follows the links to the version once, as it starts."""
        words = self.words
        return len(words) > 3 and os.path.basename(words[0]) == "sh" and words[1:3] == ["-c", RESOLVE]

    @property
    def argv(self) -> list[str]:
        """What it starts, in words: by way of the links also where it follows them first."""
        words = self.words
        return [f"{words[3]}/bin/python", *words[4:]] if self.is_resolved else words

    @property
    def address(self) -> str:
        """The socket that supervisord holds for it; empty where it holds none."""
        return self.options.get("socket", "") if self.kind == "fcgi-program" else ""


def _number(text: str | None, otherwise: int) -> int:
    try:
        return int(text) if text else otherwise
    except ValueError:
        return otherwise


@dataclass(frozen=True)
class Change:
    """What a new config asks of a supervisord that runs with another one.

    + whole: the sections that only a start of supervisord itself reads
    + groups: the groups of processes that are new, gone or different
    """

    whole: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def parse(text: str) -> Sections:
    """The sections of a config. Raises Unreadable."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Unreadable(first_line(str(error))) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def read_config(path: Path, user: str | None = None) -> Sections:
    """The sections of a config file and of those that it includes. Raises Unreadable.

    + user: who may have written it, and has to be able to read it
    """
    sections = _parse_file(path, user)
    for pattern in sections.get("include", {}).get("files", "").split():
        wanted = str(path.parent / pattern.replace("%(here)s", str(path.parent)))
        for included in sorted(glob.glob(wanted)):
            for name, options in _parse_file(Path(included), user).items():
                sections.setdefault(name, {}).update(options)
    return sections


def _parse_file(path: Path, user: str | None) -> Sections:
    try:
        with acting_as(user) if user else contextlib.nullcontext():
            content = read_ordinary(path)
        return parse(content.decode())
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from None


def programs(sections: Sections) -> dict[str, Program]:
    """The programs of a config, by name."""
    found = {}
    for section, options in sections.items():
        kind, _, name = section.partition(":")
        if kind in KINDS:
            found[name] = Program(name, kind, options)
    return found


def compare(before: Sections, after: Sections) -> Change:
    """What differs between two configs.

    >>> compare({"program:a": {"command": "x"}}, {"program:a": {"command": "y"}})
    Change(whole=(), groups=('a',))
    """
    names = sorted(set(before) | set(after))
    changed = [name for name in names if before.get(name) != after.get(name) and name not in PASSED_OVER]
    ours = (*KINDS, "group")
    groups = set[str]()
    for section in changed:
        kind, _, name = section.partition(":")
        if kind in ours:
            groups |= {group_of(name, before), group_of(name, after)}
    return Change(tuple(one for one in changed if one.partition(":")[0] not in ours), tuple(sorted(groups)))


def group_of(program: str, sections: Sections) -> str:
    """The group that a program is in: one of its own, unless a section says otherwise."""
    for section, options in sections.items():
        kind, _, group = section.partition(":")
        if kind == "group" and program in [name.strip() for name in options.get("programs", "").split(",")]:
            return group
    return program


def config_of(command: list[str]) -> str | None:
    """The config file that a command line of supervisord's names, or None where it is no supervisord's."""
    if not any(os.path.basename(word) == "supervisord" for word in command[:3]):
        return None
    for number, word in enumerate(command):
        if word in ("-c", "--configuration") and number + 1 < len(command):
            return command[number + 1]
        if word.startswith("--configuration="):
            return word.partition("=")[2]
    return ""


def config_in(layout: Layout, named: str, config: Path) -> Path:
    """Which file supervisord reads while a config is live.

    + named: the file that supervisord's command line names
    + config: the directory of that config, in its version or where it was fetched to
    """
    path = Path(os.path.normpath(named))
    path = layout.deployment_links(config).get(path, path)
    for folder in (layout.path("deployment_dir"), layout.path("current_config")):
        if path.parent == folder:
            return config / path.name
    return path


def package_of(venv: Path) -> str | None:
    """Which release of supervisor a virtual environment has."""
    found = sorted(venv.glob("lib/python*/site-packages/supervisor-*.dist-info"))
    return found[0].name[: -len(".dist-info")] if found else None


def socket_of(sections: Sections) -> str:
    """The socket that supervisord is asked through; empty where it has none."""
    return sections.get("unix_http_server", {}).get("file", "")


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

    def ask(self, method: str, *arguments: Any) -> Any:
        """Ask for something. Raises Refusal, and StepFailed when nobody answers."""
        try:
            return getattr(self._asked, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise Refusal(
                f"supervisord refuses {method} {' '.join(map(str, arguments))}: {fault.faultString}"
            ) from None
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
            raise StepFailed(f"supervisord does not answer: {error or type(error).__name__}") from None

    def processes(self) -> list[dict[str, Any]]:
        """What supervisord says of each of its processes."""
        found: list[dict[str, Any]] = self.ask("getAllProcessInfo")
        return found

    def info(self, name: str) -> dict[str, Any]:
        """What it says of one, `group:name`."""
        found: dict[str, Any] = self.ask("getProcessInfo", name)
        return found

    def stop(self, name: str, seconds: float) -> None:
        """Stop a process and wait for its end. Raises StepFailed."""
        told = self.info(name)
        if told["state"] in DOWN:
            return
        try:
            self.ask("stopProcess", name, False)
        except StepFailed:
            # It has ended by itself meanwhile, or is being stopped already.
            if self.info(name)["state"] not in (*DOWN, STOPPING):
                raise
        self._wait_until_down(name, told["pid"], seconds)

    def start(self, name: str) -> None:
        """Start a process, and come back at once."""
        self.ask("startProcess", name, False)

    def _wait_until_down(self, name: str, pid: int, seconds: float) -> None:
        """Wait until a process has ended, and supervisord knows. Raises StepFailed.

        Asking is also what makes supervisord look: left alone it does so once a second. While the process still runs,
        to ask would only take from those who serve visitors.
        """
        end, started = time.monotonic() + seconds, started_at(pid)
        while runs(pid, started) or self.info(name)["state"] not in DOWN:
            if time.monotonic() > end:
                raise StepFailed(f"{name} is {self.info(name)['statename']} after {seconds:.0f} s")
            time.sleep(LOOK)

    def reread(self) -> tuple[list[str], list[str], list[str]]:
        """Have the config read anew. Returns the groups that are new, different and gone; none of them is touched."""
        added, changed, removed = self.ask("reloadConfig")[0]
        return added, changed, removed


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: str, user: str, login: str) -> None:
        super().__init__()
        self._path, self._user, self._login = path, user, login

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
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


def environment(text: str) -> dict[str, str]:
    """The pairs of an `environment` option: KEY="value",KEY2=value.

    >>> environment('A="b,c",D=e')
    {'A': 'b,c', 'D': 'e'}
    """
    return dict(_pairs(text))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = ",", True, ""
    for pair in lexer:
        key, found, value = pair.partition("=")
        if found:
            yield key.strip(), value.strip()
