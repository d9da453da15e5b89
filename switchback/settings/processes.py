"""The setting `processes`: what a person writes for it, and what becomes of that."""

from __future__ import annotations

from collections.abc import Mapping

from agent.project.processes import name_problem, problem_of
from agent.words.settings import Process
from switchback.settings.given import quoted
from switchback.settings.hooks import is_true, words_of
from switchback.settings.values import Wrong, mapping, none_if_said

KEYS = ("run", "count", "stop", "once")
# As many of a kind, and as long, as anybody means.
MOST, LONGEST = 100, 86400


def check_processes(value: object) -> object:
    """What is written, as the processes by their names. Raises Wrong with all that is wrong in it."""
    found = mapping(value)
    if not isinstance(found, dict):
        raise Wrong("must be a mapping of names to commands, as in `worker: celery -A mysite worker`")
    processes, problems = {}, []
    for name, told in found.items():
        try:
            processes[str(name)] = _process(str(name), told)
        except Wrong as wrong:
            problems.append(f"{quoted(name)} {wrong}" if name_problem(str(name)) else f"{name} {wrong}")
    if problems:
        raise Wrong("can't be taken: " + "; ".join(problems), is_whole=True)
    return processes


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
