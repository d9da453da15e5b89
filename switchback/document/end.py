"""The end of a run's process: its document is printed where --json asks for it, and it is what the exit code is from.

`see_to_the_end` is called by config.py, before anything else of the run. However the process ends after it (well,
refused, stopped, or by an error), `of_process` makes the run's document then, and its `exit_code` is what the console
script ends with. A process with ASKED_FOR in its environment ends with that itself: so whoever starts pyinfra, in a
process of its own or by becoming it, sets that there and passes on what pyinfra ends with. Without it pyinfra's own
exit code stays what it is: 0 or 1.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from switchback.document.process import Process
from switchback.ended import ASKED_FOR, STOPPED

if TYPE_CHECKING:
    from switchback.document.model import Document


# Ctrl-C, and being asked to end, as by a CI job that is cancelled.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PROCESS = Process()


def see_to_the_end() -> None:
    """See to it that the run has a document when its process ends, and that nothing else is printed in its place."""
    context = click.get_current_context(silent=True)
    files = [str(one) for one in context.params.get("operations", ())] if context else []
    if context is None or not all(one.endswith(".py") for one in files):
        return
    asked = context.params
    PROCESS.kind = Path(files[0]).stem
    PROCESS.only_looks = bool(asked.get("dry") or (asked.get("json_output") and not asked.get("yes")))
    # Not for what else this process starts.
    PROCESS.owns_exit_code = bool(os.environ.pop(ASKED_FOR, ""))
    context.call_on_close(_note_the_end)
    if asked.get("json_output"):
        PROCESS.json = _take_stdout()
    if PROCESS.owns_exit_code or PROCESS.json is not None:
        atexit.register(_end)
        _maker()


def end_at_once() -> None:
    """End at Ctrl-C without the look of success, until a run says what else there is to do: pyinfra exits with 0."""
    for number in STOPS:
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    click.echo("    Interrupted.", err=True)
    sys.exit(STOPPED)


def _maker() -> Callable[[Process], Document]:
    """What makes a document, loaded with the first call: most runs end without one, and need not wait for that."""
    from switchback.document.of_process import made

    return made


def _take_stdout() -> int:
    """Keep standard output for the document; whatever else is printed there, by whomever, goes to people."""
    kept = os.dup(1)
    sys.stdout.flush()
    os.dup2(2, 1)
    # Ours stands for it.
    vars(sys.modules["pyinfra_cli.cli"])["print_run_json"] = lambda *_, **__: None
    return kept


def _note_the_end() -> None:
    """Called while the command line is left, by whatever ends it."""
    PROCESS.error = sys.exc_info()[1]


def _end() -> None:
    """Called when the interpreter ends, after everything that was to be said."""
    if PROCESS.json is None and not PROCESS.owns_exit_code:
        return
    # Whoever is stopped while that is loaded has a document as well.
    found = _maker()(PROCESS)
    _print(found)
    if PROCESS.owns_exit_code:
        _leave_with(found.exit_code)


def leave() -> None:
    """End this process at once, as one that was stopped: an orderly end waits for what nobody wants to wait for."""
    PROCESS.error = SystemExit(STOPPED)
    _end()
    _leave_with(STOPPED)


def _print(found: Document) -> None:
    if PROCESS.json is None:
        return
    text = json.dumps(found.model_dump(mode="json"), indent=2) + "\n"
    try:
        with os.fdopen(PROCESS.json, "w") as file:
            file.write(text)
    except OSError as problem:
        click.echo(f"    The document can't be written to standard output: {problem.strerror}", err=True)


def _leave_with(code: int) -> None:
    """End with an exit code that no exception can bring about this late."""
    for file in (sys.stdout, sys.stderr):
        file.flush()
    os._exit(code)
