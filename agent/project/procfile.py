"""A Procfile: the processes of a project as its own code has them. Pure: its text in, programs out.

Its lines are for a shell. One that is a command and its arguments, with variables perhaps, is taken apart, so that it
is started as itself; any other is left to a shell.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import field

from agent.environment.start import ASSIGNED, VARIABLE
from agent.inside.lean import dataclass
from agent.project.processes import RELEASE, Program
from agent.words.settings import Process

PROCFILE = "Procfile"
LINE = re.compile(r"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(\S.*)")
# What a shell does something with; and in double quotes.
SPECIAL, SPECIAL_QUOTED = frozenset(";|&<>()`*?[]~!#\\{}"), frozenset("`\\")
FOLDER = re.compile(r"cd[ \t]+([\w.-]+(?:/[\w.-]+)*)/?[ \t]*&&[ \t]*(\S.*)", re.ASCII)


def lines_of(text: str) -> dict[str, str]:
    """The lines of a Procfile, by the name of the process.

    >>> lines_of("web: gunicorn mysite.wsgi\\n# worker: celery\\n")
    {'web': 'gunicorn mysite.wsgi'}
    """
    found = (LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {one.group(1): one.group(2) for one in found if one}


def program_of(name: str, line: str, folder: str | None) -> Program:
    """The program that a line is.

    + folder: where it is meant to be run, from the code's top; None for the project's folder
    """
    inside = FOLDER.fullmatch(line)
    if inside and folder is not None and ".." not in inside.group(1).split("/"):
        folder, line = posixpath.normpath(posixpath.join(folder, inside.group(1))), inside.group(2)
    words = plain_words(line)
    if words is None:
        return Program(name, ("sh", "-c", line), folder=folder)
    words = words[1:] if words[0] == "exec" and len(words) > 1 else words
    expands = "$" in line or ASSIGNED.fullmatch(words[0]) is not None
    return Program(name, tuple(words), expands=expands, folder=folder)


def plain_words(line: str) -> list[str] | None:
    """The words of a line that is a command with its arguments, and no more; None where it is for a shell.

    >>> plain_words("gunicorn 'my site.wsgi' -b :$PORT"), plain_words("a | b")
    (['gunicorn', 'my site.wsgi', '-b', ':$PORT'], None)
    """
    quote, without = "", VARIABLE.sub(lambda one: "x" if "$" not in one.group(0)[1:] else one.group(0), line)
    for char in without:
        if quote:
            quote = "" if char == quote else quote
            if char == "$" or (quote == '"' and char in SPECIAL_QUOTED):
                return None
        elif char in "'\"":
            quote = char
        elif char == "$" or char in SPECIAL:
            return None
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    # A variable in single quotes is none.
    single = any(part.startswith("'") and "$" in part for part in re.findall(r"\"[^\"]*\"|'[^']*'", line))
    return None if single or not words else words


def release_of(line: str, folder: str | None) -> tuple[list[Program], list[str]]:
    """The commands of a `release:` line, one after the other, and those that a deploy does by itself.

    Those between which there is nothing but && are told apart; what else is for a shell, is one command of it.
    """
    parts = [part.strip() for part in line.split("&&")]
    plain = [plain_words(part) for part in parts]
    if not all(plain):
        plain, parts = [None], [line]
    programs, own = list[Program](), list[str]()
    for part, words in zip(parts, plain):
        if words and _is_done_already(words):
            own.append(part)
        else:
            programs.append(program_of(RELEASE, part, folder))
    return programs, own


def _less_done(line: str) -> tuple[str, list[str]]:
    """A line without what a deploy does by itself before it, and that."""
    own = list[str]()
    while True:
        first, joined, rest = line.partition("&&")
        words = plain_words(first.strip())
        if not joined or not words or not _is_done_already(words):
            return line, own
        own.append(first.strip())
        line = rest.strip()


def _is_done_already(words: list[str]) -> bool:
    """Whether a command migrates, or collects static files, as a deploy does it, and no more."""
    rest = words[1:] if re.fullmatch(r"python[\d.]*", words[0]) else words
    if len(rest) < 2 or posixpath.basename(rest[0]) != "manage.py" or rest[1] not in ("migrate", "collectstatic"):
        return False
    return all(_says_only_how(word) for word in rest[2:])


def _says_only_how(word: str) -> bool:
    return word in ("--noinput", "--no-input", "-v0", "-v1", "-v2", "--traceback", "--no-color")


@dataclass(frozen=True)
class Procfile:
    """What a Procfile says.

    + programs: what it has run, by name; release: what is done with each release
    + found: what is said of it, a sentence each
    """

    programs: dict[str, Program] = field(default_factory=dict)
    release: tuple[Program, ...] = ()
    found: tuple[str, ...] = ()


def read(text: str, folder: str | None, told: Mapping[str, Process]) -> Procfile:
    """What a Procfile says, where the settings do not say it themselves.

    + folder: where its commands are meant to be run, from the code's top; None for the project's folder
    + told: what the settings say
    """
    lines = lines_of(text)
    own = {name for name, one in told.items() if one.off or one.run}
    names = [name for name in lines if name not in own]
    found = [f"Procfile: {', '.join(names)}"] if names else []
    programs, release = dict[str, Program](), list[Program]()
    for name, line in lines.items():
        if name == RELEASE:
            release, done = release_of(line, folder) if name in names else ([], [])
        else:
            rest, done = _less_done(line)
            programs[name] = program_of(name, rest, folder)
        found += [f"{name}: {command} is done by each deploy itself" for command in done if name in names]
    return Procfile(programs, tuple(release), tuple(found))
