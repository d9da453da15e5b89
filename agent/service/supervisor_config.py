"""The config of the supervisord that runs the app's processes: read, compared, and what it says of its programs."""

from __future__ import annotations

import configparser
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from agent.environment.launcher import RUN
from agent.environment.start import ASSIGNED, EXPAND, START
from agent.host.reading import matching, read_ordinary
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.text.lines import first_line
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout

Sections = dict[str, dict[str, str]]
KINDS = ("fcgi-program", "program", "eventlistener")
# How many files a config may include, and how large each may be, bytes.
MOST_INCLUDED, LARGEST = 100, 1_000_000
# How many options all of its sections may have by default.
MOST_OPTIONS = 100_000
# As many seconds, or processes, as anybody means.
LONGEST = 1_000_000
# What concerns supervisorctl alone, or is a way of writing the rest.
PASSED_OVER = ("supervisorctl", "include")
# Starts a Python at the path that a link to its environment leads to by then: whatever it imports later is of the same
# version, though the link leads to another one. Its words: the environment, then what Python is given.
RESOLVE = 'exec "$(readlink -f "$0")/bin/python" "$@"'

# What a version's virtual environment is called, unless the settings say otherwise.
VENV = "venv"


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
    def first(self) -> int:
        """The number of the first of them."""
        return _number(self.options.get("numprocs_start"), 0)

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
    def launcher(self) -> str:
        """The launcher of a version that starts it, by way of a link; empty where none does."""
        words = self.words
        return words[0] if len(words) > 1 and words[0].startswith("/") and os.path.basename(words[0]) == RUN else ""

    @property
    def argv(self) -> list[str]:
        """What it becomes, in words: by way of the links also where it follows them first."""
        return self.becomes_in(VENV)

    @property
    def started(self) -> bool:
        """Whether what it becomes is started with the settings of its version, and found in that."""
        return len(self.words) > 3 and os.path.basename(self.words[2]) == START and bool(self.launcher)

    def becomes_in(self, venv: str) -> list[str]:
        """The same, where a version has its virtual environment under a name of its own."""
        words = self.argv_in(venv)
        if not self.started:
            return words
        python, _, *rest = words
        while rest and (rest[0] == EXPAND or ASSIGNED.fullmatch(rest[0])):
            rest.pop(0)
        return [python, *rest[1:]] if rest[:1] == ["python"] else rest

    def argv_in(self, venv: str) -> list[str]:
        """What it starts, in words: by way of the links also where it follows them first.

        + venv: what a version calls its virtual environment
        """
        words = self.words
        if len(words) > 3 and os.path.basename(words[0]) == "sh" and words[1:3] == ["-c", RESOLVE]:
            return [f"{words[3]}/bin/python", *words[4:]]
        if not self.launcher:
            return words
        python = f"{os.path.dirname(words[0])}/{venv}/bin/python"
        return [python if words[1] == "python" else words[1], *words[2:]]

    @property
    def address(self) -> str:
        """The socket that supervisord holds for it; empty where it holds none."""
        return self.options.get("socket", "") if self.kind == "fcgi-program" else ""


def _number(text: str | None, otherwise: int) -> int:
    try:
        return min(int(text), LONGEST) if text else otherwise
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
    if len(parser.sections()) * (len(parser.defaults()) + 1) > MOST_OPTIONS:
        raise Unreadable("it has more sections than anybody writes")
    return {name: dict(parser.items(name)) for name in parser.sections()}


def read_config(path: Path, user: str) -> Sections:
    """The sections of a config file and of those that it includes. Raises Unreadable.

    + user: who may have written it, and has to be able to read it, and what it includes
    """
    with acting_as(user):
        sections = _parse_file(path)
        for included in _included(path, sections):
            for name, options in _parse_file(included).items():
                sections.setdefault(name, {}).update(options)
    return sections


def _included(path: Path, sections: Sections) -> list[Path]:
    found: list[Path] = []
    for pattern in sections.get("include", {}).get("files", "").split():
        wanted = path.parent / pattern.replace("%(here)s", str(path.parent))
        try:
            found += matching(Path("/"), str(wanted), MOST_INCLUDED - len(found))
        except OSError as error:
            raise Unreadable(f"{path} includes {pattern}: {error}") from None
    return found


def _parse_file(path: Path) -> Sections:
    try:
        return parse(read_ordinary(path, LARGEST).decode())
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
    found = matching(venv, "lib/python*/site-packages/supervisor-*.dist-info")
    return found[0].name[: -len(".dist-info")] if found else None


def socket_of(sections: Sections) -> str:
    """The socket that supervisord is asked through; empty where it has none."""
    return sections.get("unix_http_server", {}).get("file", "")


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
