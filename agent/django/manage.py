"""Verbs of ours inside a version's Django, run by that version's own Python at its own path."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from agent.django.locks import for_django, unless_locked
from agent.environment.variables import for_app
from agent.host.command import CommandFailed
from agent.inside.protocol import RESULT_PREFIX
from agent.text.lines import lines_of
from agent.transaction.step import StepContext
from agent.words.shapes import Unreadable

T = TypeVar("T")


def django(step: StepContext, shape: type[T], verb: str, *arguments: str, version: str = "") -> T:
    """Run a verb, and return what it has found. Raises CommandFailed, NoLock."""
    version = version or step.version
    with as_the_app_s_own(step, version):
        argv = arguments_of(step, version, verb, *arguments)
        env = {**for_app(step, version), **for_django(step)}
        output = step.runner(step.layout.app).run(argv, cwd=folder_of(step, version), env=env)
    return said_in(output, shape, verb)


def arguments_of(step: StepContext, version: str, verb: str, *arguments: str) -> list[str]:
    """The command that runs a verb."""
    return [_python(step, version), _side(), str(folder_of(step, version) / "manage.py"), verb, *arguments]


def command_of(step: StepContext, version: str, *words: str) -> list[str]:
    """What runs a management command of a version, whose static files are in it whatever its settings say."""
    return arguments_of(step, version, "command", str(step.layout.part(version, "static")), *words)


def folder_of(step: StepContext, version: str) -> Path:
    """The directory of a version's manage.py, in which its Python is run."""
    return step.layout.part(version, "config")


def said_in(output: str, shape: type[T], verb: str) -> T:
    """What a verb says that it has found. Raises CommandFailed, NoLock."""
    results = [line[len(RESULT_PREFIX) :] for line in lines_of(output) if line.startswith(RESULT_PREFIX)]
    if not results:
        raise CommandFailed(f"manage.py did not come as far as {verb}", output)
    try:
        return unless_locked(shape, results[-1])
    except Unreadable as problem:
        raise CommandFailed(
            f"manage.py has said something else than what {verb} has found: {problem}", output
        ) from None


@contextlib.contextmanager
def as_the_app_s_own(step: StepContext, version: str) -> Iterator[None]:
    """Have what fails here told of as the app's own manage.py: that is what has run for its owner."""
    try:
        yield
    except CommandFailed as problem:
        manage = folder_of(step, version) / "manage.py"
        raise CommandFailed(str(problem.args[0]).replace(_side(), manage.name), problem.output) from None


def _side() -> str:
    # Found when it is used: where the agent only looks at a host, it may come from no file.
    return str(Path(__file__).with_name("manage_shim.py"))


def _python(step: StepContext, version: str) -> str:
    return str(step.layout.part(version, "venv") / "bin" / "python")
