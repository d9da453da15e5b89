"""The processes of a project besides what the settings of its version fill in: what it says itself, in a Procfile, and
what the settings say. Pure."""

# No `from __future__ import annotations`: see shapes.

import os
import re
from collections.abc import Iterator, Mapping
from typing import Optional

from agent.inside.lean import dataclass
from agent.words.settings import NAME, STOPS, Process

# What serves the site; and what is none of the processes, but done with each release.
WEB, RELEASE = "web", "release"
# How long the one that serves may take to let its requests end, unless it is said, seconds.
WEB_STOPS = 10
# What a number at the end of its name would be, is a process of another one's.
NUMBERED = re.compile(r"_\d+$", re.ASCII)
# What supervisord itself is called, its log, and what its supervisorctl takes for all of them.
ITS_OWN = ("all", "supervisord", "supervisor", "supervisorctl")


@dataclass(frozen=True)
class Program:
    """A program that supervisord runs for the app.

    + run: its words; count: how many of it run; stop: how long one may take to end, seconds
    + once: whether it runs on one host of all; expands: whether variables in its words are filled in
    + folder: where it runs, from the code's top; None for the project's folder
    """

    name: str
    run: tuple[str, ...]
    count: int = 1
    stop: int = STOPS
    once: bool = False
    expands: bool = False
    folder: Optional[str] = None

    @property
    def by_a_shell(self) -> bool:
        """Whether a shell starts it, which is then the one that is told to end."""
        return os.path.basename(self.run[0]) in ("sh", "bash") if self.run else False


def name_problem(name: str) -> str:
    """Why a program can't be called so; empty where it can."""
    if not NAME.fullmatch(name):
        return "is no name for a process: letters, digits, - and _, beginning with a letter, 40 at most"
    if NUMBERED.search(name):
        return "ends with _ and a number, as one of several processes of the same kind does: write another name"
    if name.lower() in ITS_OWN:
        return "is a name of supervisord's own: write another one"
    return ""


def problem_of(name: str, process: Process) -> str:
    """Why a process of the settings can't be run as it is; empty where it can."""
    if name == RELEASE and process != Process(off=True):
        return "is done with each release, and is no process: write it as a hook, hooks: {release: …}, or false here"
    if name == WEB and process.once:
        return "serves the site on every host: leave out once"
    if any("\n" in word for word in process.run):
        return "has a line break in it, which supervisord's config can't hold: write a script, and name that"
    if beats_beside(process.run):
        return (
            "runs beat inside of a worker (-B, --beat), where each of them would: take that out, and write one of its "
            "own, beat: celery … beat, which runs on one host only"
        )
    if is_beat(process.run) and (process.count or 1) > 1:
        return "is celery's beat, of which there is one: leave out count"
    return ""


def is_beat(words: tuple[str, ...]) -> bool:
    """Whether a command is celery's beat, of which there may be one over all hosts.

    >>> is_beat(("celery", "-A", "mysite", "beat", "-l", "INFO")), is_beat(("celery", "-A", "beat", "worker"))
    (True, False)
    """
    return _celery_does(words) == "beat"


def beats_beside(words: tuple[str, ...]) -> bool:
    """Whether a command is a celery worker that runs beat, too.

    >>> beats_beside(("celery", "worker", "-EB")), beats_beside(("celery", "worker", "-lDEBUG"))
    (True, False)
    """
    # Only what has no value stands together with others: E for its events, D for a daemon.
    return _celery_does(words) == "worker" and any(re.fullmatch(r"--beat|-[ED]*B[ED]*", word) for word in words)


def _celery_does(words: tuple[str, ...]) -> str:
    """What a command of celery's does: its first word that is no option and no option's value; empty for another."""
    rest = list(words)
    if rest[1:2] == ["-c"] and len(rest) == 3 and "celery" in rest[2]:
        # As far as can be told of what is for a shell.
        told = re.split(r"[\s;&|]+", rest[2])
        rest = next((told[number:] for number, word in enumerate(told) if os.path.basename(word) == "celery"), told)
    while rest and ("=" in rest[0] or rest[0] in ("env", "exec")):
        rest.pop(0)
    if rest and re.fullmatch(r"python[\d.]*", os.path.basename(rest[0])) and rest[1:2] == ["-m"]:
        rest = rest[2:]
    if not rest or os.path.basename(rest[0]) != "celery":
        return ""
    words_of = iter(rest[1:])
    for word in words_of:
        if word.startswith("-"):
            # All options before the subcommand have a value, but those two.
            if "=" not in word and word not in ("-q", "--quiet", "-C", "--no-color"):
                next(words_of, None)
            continue
        return word
    return ""


def celery_modules(words: tuple[str, ...]) -> tuple[str, ...]:
    """The modules that the app of a celery command may be in; none for another command.

    >>> celery_modules(("celery", "-A", "mysite", "worker")), celery_modules(("celery", "--app=a.b:app", "beat"))
    (('mysite.celery', 'mysite'), ('a.b.celery', 'a.b'))
    """
    if not _celery_does(words):
        return ()
    after = [words[number + 1] for number, word in enumerate(words[:-1]) if word in ("-A", "--app")]
    joined = [word.partition("=")[2] for word in words if word.startswith("--app=")]
    names = [name.partition(":")[0] for name in (*after, *joined)]
    return tuple(module for name in names for module in (f"{name}.celery", name))


def programs_of(told: Mapping[str, Process], found: Mapping[str, Program]) -> dict[str, Program]:
    """The programs of a project, by name: as they were found, overruled by what the settings say of each.

    + told: the settings' own; found: the project's
    """
    made = {name: _overruled(name, told.get(name, Process()), found.get(name)) for name in (*found, *told)}
    return {name: one for name, one in made.items() if one is not None}


def _overruled(name: str, told: Process, found: Optional[Program]) -> Optional[Program]:
    if told.off or not (told.run or found or name == WEB):
        return None
    own = Program(name, told.run) if told.run or found is None else found
    stop = told.stop or (WEB_STOPS if name == WEB else STOPS)
    once = is_beat(own.run) if told.once is None else told.once
    count = told.count or (2 if name == WEB else 1)
    return Program(name, own.run, count, stop, once, own.expands, own.folder)


def problems(told: Mapping[str, Process], found: Mapping[str, Program]) -> Iterator[str]:
    """What of the processes can't be run, a sentence each, with what to write."""
    for name, program in found.items():
        wrong = name_problem(name) or ("" if name in told else problem_of(name, Process(program.run)))
        if wrong:
            yield f"the Procfile's {name} {wrong}" + ("" if name_problem(name) else f" (in processes, {name}: …)")
    for name, process in told.items():
        if not (process.run or process.off or name in found or name == WEB):
            yield f"processes has {name} without a command, and the project has none of that name: write its run"
    if told.get(WEB, Process()).off:
        yield "processes leaves web out, and nothing would serve the site: take that line out"
