"""The project's own commands that run here, on the controller: once for all hosts of a run, without a secret."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import click
import gevent
from gevent import subprocess

from agent.steps.hooks import AFTER, AFTER_COMMIT, AFTER_FALLBACK
from agent.steps.order import HOOKS
from agent.text.lines import first_line, quoted, shown
from agent.text.masking import masked_urls
from agent.words.outcomes import Outcome
from agent.words.settings import Hook
from switchback.runs.run import Run

ON_CONTROLLER = "on the controller"
# How much a failure shows of an output: lines, and bytes of each; and how often its end is looked for, seconds.
LINES, LONGEST, LOOK = 12, 2000, 0.05


class Failed(Exception):
    """A command has failed, and the last that it has said."""


def run_hooks(point: str, runs: Sequence[Run], env: Mapping[str, str], stops: Callable[[], bool], loud: bool) -> str:
    """Run what the settings have at a point, one after the other. Returns why one has failed; empty where none has.

    The primary host's settings count, where hosts have their own.

    + env: what a command finds in its environment besides ours; stops: whether it is to end at once
    + loud: whether what they say is shown as it comes
    """
    run = next((one for one in runs if one.host == one.primary), runs[0])
    known = {**about(point, run), **env}
    settings = run.settings.for_host()
    for hook in settings.hooks_at(point, "controller"):
        began = time.monotonic()
        try:
            _run(hook, known, HOOKS[point].limit_of(hook, settings), stops, loud)
        except Failed as problem:
            return str(problem)
        _say(f"{point}, {ON_CONTROLLER}: {_named(hook)} done in {time.monotonic() - began:.1f} s")
    return ""


def about(point: str, run: Run) -> dict[str, str]:
    """What a command here knows of a run: names, and nothing else."""
    found = {
        "SWITCHBACK_POINT": point,
        "SWITCHBACK_RUN": run.kind,
        "SWITCHBACK_DEPLOY": run.deploy,
        "SWITCHBACK_HOSTS": ",".join(run.hosts),
        "SWITCHBACK_VERSION": run.version,
    }
    commits = {"SWITCHBACK_CODE": run.about.code, "SWITCHBACK_CONFIG": run.about.config}
    return {**found, **{name: commit.sha for name, commit in commits.items() if commit}}


def run_after(runs: Sequence[Run], outcomes: Sequence[Outcome], sentences: Sequence[str], loud: bool) -> str:
    """Run what there is once a run has ended on its hosts, as far as they have told. Returns a warning, if any."""
    worst = max(outcomes, key=list(Outcome).index)
    point = (AFTER_COMMIT if worst is Outcome.COMMITTED else AFTER_FALLBACK).name
    if runs[0].kind not in AFTER[0].runs:
        return ""
    # Nobody waits for hosts any more, so whoever presses Ctrl-C means this.
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    env = {"SWITCHBACK_OUTCOME": str(worst), "SWITCHBACK_SENTENCE": "\n".join(sentences)}
    problem = run_hooks(point, runs, env, lambda: bool(asked), loud)
    return f"{point}, {ON_CONTROLLER}: WARNING: it failed, which changes nothing: {problem}" if problem else ""


def _run(hook: Hook, env: Mapping[str, str], limit: float, stops: Callable[[], bool], loud: bool) -> None:
    """Run one command. Raises Failed."""
    first = hook.run[0]
    program = str(Path(first).expanduser()) if first.startswith("~") else first
    try:
        process = subprocess.Popen(
            [program, *hook.run[1:]],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as problem:
        raise Failed(f"{program} can't be started: {problem.strerror or problem}") from None
    said: deque[str] = deque(maxlen=LINES)
    reader = gevent.spawn(_read, process.stdout, said, loud)
    why = ""
    try:
        until = time.monotonic() + limit
        while not why and process.poll() is None:
            gevent.sleep(LOOK)
            why = "was interrupted" if stops() else "took too long and was stopped" if time.monotonic() > until else ""
    finally:
        # With all that it has started, and that has not gone elsewhere.
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(1)
        reader.kill()
    code = process.returncode
    why = why or (f"ended with exit code {code}" if code > 0 else f"ended with signal {-code}" if code else "")
    if why:
        raise Failed("\n".join([f"{_named(hook)} {why}", *([quoted("\n".join(said))] if said else [])]))


def _read(output: IO[bytes] | None, said: deque[str], loud: bool) -> None:
    while output and (part := output.readline(LONGEST)):
        line = shown(masked_urls(part.decode(errors="replace").rstrip("\n")))
        said.append(line)
        if loud:
            _say(f"  {line}")


def _named(hook: Hook) -> str:
    return shown(first_line(shlex.join(hook.run[:2])))


def _say(text: str) -> None:
    click.echo(f"    {text}", err=True)
