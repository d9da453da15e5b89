"""The settings `processes` and `schedule`: what a person writes for what runs all the time, and at times."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from agent.project.processes import name_problem, problem_of
from agent.words.settings import NAME, Process, Timed
from switchback.settings.given import quoted
from switchback.settings.hooks import is_true, words_of
from switchback.settings.values import Wrong, mapping, none_if_said

T = TypeVar("T")

KEYS = ("run", "count", "stop", "once")
# As many of a kind, and as long, as anybody means.
MOST, LONGEST = 100, 86400

TIMED_KEYS = ("run", "at", "timeout", "once")
# What a time of systemd's has in it; whether it is one, the host's own systemd says.
AT = re.compile(r"[A-Za-z0-9*:,./~+_ -]{1,200}", re.ASCII)
# How long one may take unless it is said, and as long as anybody means, seconds: a week.
USUAL, LONGEST_TIMED = 3600, 7 * 86400
EXAMPLE = '`schedule: {clearsessions: {run: manage.py clearsessions, at: "*-*-* 04:00"}}`'


def check_processes(value: object) -> object:
    """What is written, as the processes by their names. Raises Wrong with all that is wrong in it."""
    return _by_name(value, _process, "commands, as in `worker: celery -A mysite worker`")


def check_schedule(value: object) -> object:
    """What is written, as the commands by their names. Raises Wrong with all that is wrong in it."""
    return _by_name(value, _timed, f"what runs at times, as in {EXAMPLE}")


def _by_name(value: object, read: Callable[[str, object], T], what: str) -> dict[str, T]:
    """Each entry by its name. Raises Wrong with all that is wrong in any of them.

    + what: what the names are to stand for
    """
    found = mapping(value)
    if not isinstance(found, dict):
        raise Wrong(f"must be a mapping of names to {what}")
    entries, problems = {}, []
    for name, told in found.items():
        try:
            entries[str(name)] = read(str(name), told)
        except Wrong as wrong:
            problems.append(f"{quoted(name)} {wrong}" if name_problem(str(name)) else f"{name} {wrong}")
    if problems:
        raise Wrong("can't be taken: " + "; ".join(problems), is_whole=True)
    return entries


def _process(name: str, told: object) -> Process:
    """One program. Raises Wrong."""
    wrong = name_problem(name)
    if wrong:
        raise Wrong(wrong)
    if isinstance(told, Process):
        return told
    if told is False or none_if_said(told) is None or str(told).lower() == "false":
        return Process(off=True)
    one = _of_mapping(told) if isinstance(told, Mapping) else Process(words_of(told))
    problem = problem_of(name, one)
    if problem:
        raise Wrong(problem)
    return one


def _of_mapping(told: Mapping[object, object]) -> Process:
    unknown = [quoted(key) for key in told if key not in KEYS]
    if unknown:
        raise Wrong(f"has {', '.join(unknown)}, and may have {', '.join(KEYS)}")
    return Process(
        run=words_of(told["run"]) if "run" in told else (),
        count=_whole("count", told.get("count"), MOST),
        stop=_whole("stop", told.get("stop"), LONGEST),
        once=is_true("once", told["once"]) if "once" in told else None,
    )


def _whole(key: str, told: object, most: int) -> int | None:
    """A number of whole ones, where it is said. Raises Wrong."""
    if told is None:
        return None
    if not str(told).isascii() or not str(told).isdecimal() or not 1 <= int(str(told)) <= most:
        raise Wrong(f"has the {key} {quoted(told)}, which is no number from 1 to {most}")
    return int(str(told))


def _timed(name: str, told: object) -> Timed:
    """One command. Raises Wrong."""
    if not NAME.fullmatch(name):
        raise Wrong("is no name for it: letters, digits, - and _, beginning with a letter, 40 at most")
    if isinstance(told, Timed):
        return told
    if not isinstance(told, Mapping):
        raise Wrong(f"must have `run` and `at`, as in {EXAMPLE}")
    unknown = [quoted(key) for key in told if key not in TIMED_KEYS]
    if unknown:
        raise Wrong(f"has {', '.join(unknown)}, and may have {', '.join(TIMED_KEYS)}")
    at = str(told.get("at", ""))
    if not AT.fullmatch(at):
        raise Wrong(f"has {quoted(at)} for `at`, which is no time as systemd has it, such as *-*-* 04:00 or hourly")
    once = is_true("once", told.get("once", True))
    timeout = _whole("timeout", told.get("timeout"), LONGEST_TIMED)
    return Timed(words_of(told.get("run")), at, timeout or USUAL, once)
