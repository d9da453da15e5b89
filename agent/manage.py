"""Verbs of ours inside a version's Django, run by that version's own Python at its own path."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from agent.command import CommandFailed, Started, stop_group
from agent.django_side import MARK, NOW, WHEN_TOLD
from agent.say import say
from agent.step import Step

Note = dict[str, Any]


def django(step: Step, verb: str, *arguments: str, version: str = "") -> Note:
    """Run a verb, and return what it has found. Raises CommandFailed."""
    version = version or step.version
    return _found(step, version, verb, lambda: run_python(step, version, _words(step, version, verb, *arguments)))


def run_python(step: Step, version: str, arguments: list[str]) -> str:
    """Run a version's own Python in its own config directory. Raises CommandFailed."""
    argv = [_python(step, version), *arguments]
    return step.runner(step.layout.app).run(argv, cwd=_folder(step, version))


@dataclass(frozen=True)
class Waiting:
    """A verb that waits to be told: to start Django takes longer than most of what it does here."""

    verb: str
    command: Started
    telling: IO[bytes]

    def tell(self, step: Step) -> Note | None:
        """Have it done as a part of another step. Returns what it has found; None if it does not wait any more.

        Raises CommandFailed.
        """
        try:
            with self.telling as telling:
                telling.write(NOW.encode())
        except OSError:
            say(f"{step.name}: the Django that was started ahead of its turn has ended: it is started again")
            self.end()
            return None
        runner = step.runner(step.layout.app)
        return _found(step, step.version, self.verb, lambda: runner.finish(self.command))

    def end(self) -> None:
        """End it; one that has ended is left alone."""
        with contextlib.suppress(OSError):
            self.telling.close()
        if self.command.process.poll() is None:
            stop_group(self.command.process.pid)
            self.command.process.wait()
        self.command.out.close()
        self.command.err.close()


def start_waiting(step: Step, verb: str) -> Waiting:
    """Start Django with a verb that waits to be told; whoever does has to end it. Raises OSError."""
    runner = replace(step.runner(step.layout.app), started=None)
    listening, telling = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb")))
    with listening:
        number = listening.fileno()
        argv = [_python(step, step.version), *_words(step, step.version, verb, str(number), WHEN_TOLD)]
        waiting = Waiting(verb, runner.start(argv, _folder(step, step.version), handed=[number]), telling)
    try:
        step.transaction.goes_on_beside(verb, waiting.command.process.pid)
    except BaseException:
        waiting.end()
        raise
    return waiting


def _words(step: Step, version: str, verb: str, *arguments: str) -> list[str]:
    """What Python is told to run for a verb."""
    return [_side(), str(_folder(step, version) / "manage.py"), verb, *arguments]


def _side() -> str:
    # Found when it is used: where the agent only looks at a host, it comes from no file.
    return str(Path(__file__).with_name("django_side.py"))


def _python(step: Step, version: str) -> str:
    return str(step.layout.part(version, "venv") / "bin" / "python")


def _folder(step: Step, version: str) -> Path:
    return step.layout.part(version, "config")


def _found(step: Step, version: str, verb: str, run: Callable[[], str]) -> Note:
    """What a verb says that it has found."""
    manage = _folder(step, version) / "manage.py"
    try:
        output = run()
    except CommandFailed as problem:
        # What has run for its owner is the app's own manage.py.
        raise CommandFailed(str(problem.args[0]).replace(_side(), manage.name), problem.output) from None
    results = [line[len(MARK) :] for line in output.splitlines() if line.startswith(MARK)]
    if not results:
        raise CommandFailed(f"manage.py did not come as far as {verb}", output)
    result: Note = json.loads(results[-1])
    return result
