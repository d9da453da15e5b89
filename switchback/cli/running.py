"""Running a command: in our place, or waiting for it to end. It is shown before, as one can type it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from switchback.cli.command import Command, environment

# What asks a run to stop that is one of several: Ctrl-C, and a hang-up, reach all of a terminal by themselves.
ASKS = (signal.SIGINT, signal.SIGHUP)


def at_terminal() -> bool:
    """Whether somebody may be asked."""
    return sys.stdin.isatty()


def show(command: Command) -> None:
    """Show it, for who wants to do the same by hand."""
    line = click.style(command.shown(Path.cwd(), os.environ), dim=True)
    click.echo(f"{click.style('$', bold=True)} {line}", err=True)


def become(command: Command) -> NoReturn:
    """Run it in our place: signals, the terminal and its exit code are its own then."""
    show(command)
    environ = environment(os.environ)
    os.chdir(command.folder)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command.argv[0], command.argv, environ)  # noqa: S606 - each word of it is ours or was said
    except OSError as problem:
        raise _not_started(command, problem) from None


def wait_for(command: Command) -> int:
    """Run it, and return its exit code, 128 more than its number for a signal."""
    show(command)
    started: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        for process in started:
            process.send_signal(number)

    before = {number: signal.signal(number, _leave_to_it) for number in ASKS}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, pass_on)
    try:
        started.append(subprocess.Popen(command.argv, cwd=command.folder, env=environment(os.environ)))
        code = started[0].wait()
    except OSError as problem:
        raise _not_started(command, problem) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code


def _not_started(command: Command, problem: OSError) -> Exception:
    from switchback.cli.refusal import NotStarted

    return NotStarted(f"{command.argv[0]} can't be started: {problem.strerror}; was Switchback installed with pipx?")


def _leave_to_it(number: int, frame: FrameType | None) -> None:
    """Whoever is being run knows what to do."""
