"""The end of a run's process: its document is printed where --json asks for it, and it is what the exit code is from.

`see_to_the_end` is called by config.py, before anything else of the run. However the process ends after it (well,
refused, stopped, or by an error), `document()` is the run's document then; its `exit_code` is what the console script
ends with. A process with ASKED_FOR in its environment ends with that itself: so whoever starts pyinfra, in a process
of its own or by becoming it, sets that there and passes on what pyinfra ends with. Without it pyinfra's own exit code
stays what it is: 0 or 1.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path

import click
from pyinfra.api import Host, State
from pyinfra.context import ctx_state

from switchback.document.made import Asked, HostSeen, document_of, told_of, utc
from switchback.document.model import Document, Operation, Problem
from switchback.document.noted import NOTED
from switchback.ended import ASKED_FOR, STOPPED, Ended
from switchback.hosts.inventory import options
from switchback.runs.run import login
from switchback.wire.results import heard_from

# How many of the last lines that an operation has said are kept.
LINES = 20


class _Process:
    """What is known of this process's command line, and how that has ended.

    + json: where the document goes; none where nobody has asked for it
    + owns_exit_code: whether it ends with the document's
    """

    kind = ""
    only_looks = False
    json: int | None = None
    owns_exit_code = False
    error: BaseException | None = None


_process = _Process()


def see_to_the_end() -> None:
    """See to it that the run has a document when its process ends, and that nothing else is printed in its place."""
    context = click.get_current_context(silent=True)
    files = [str(one) for one in context.params.get("operations", ())] if context else []
    if context is None or not all(one.endswith(".py") for one in files):
        return
    asked = context.params
    _process.kind = Path(files[0]).stem
    _process.only_looks = bool(asked.get("dry") or (asked.get("json_output") and not asked.get("yes")))
    # Not for what else this process starts.
    _process.owns_exit_code = bool(os.environ.pop(ASKED_FOR, ""))
    context.call_on_close(_note_the_end)
    if asked.get("json_output"):
        _process.json = _take_stdout()
    if _process.owns_exit_code or _process.json is not None:
        atexit.register(_end)


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
    _process.error = sys.exc_info()[1]


def document() -> Document:
    """The document of this process's run, as far as that has come."""
    state = ctx_state.get() if ctx_state.isset() else None
    hosts = [host for host in state.inventory if state.is_host_in_limit(host)] if state and state.initialised else []
    return document_of(
        Asked(_process.kind, options().by or login(), _process.only_looks, options().detailed_exitcode),
        NOTED,
        [_seen(state, host) for host in hosts] if state else [],
        bool(state and state.initialised and state.is_executing),
        _process.error,
    )


def _seen(state: State, host: Host) -> HostSeen:
    operations = tuple(_operation(state, host, key) for key in state.get_op_order() if key in state.ops[host])
    return HostSeen(host.name, host in state.failed_hosts, operations, tuple(heard_from(host.name)))


def _operation(state: State, host: Host, key: str) -> Operation:
    meta = state.ops[host][key].operation_meta
    name = next(iter(state.op_meta[key].names))
    if not meta.is_complete():
        # Under -y nobody has looked ahead.
        return Operation(name=name, changes=state.check_for_changes and meta.will_change, well=None, says=())
    said = meta.stdout_lines if meta.did_succeed() else [*meta.stdout_lines, *meta.stderr_lines]
    return Operation(name=name, changes=meta.did_change(), well=meta.did_succeed(), says=tuple(said[-LINES:]))


def made() -> Document:
    """The same, also where it can't be made."""
    try:
        return document()
    except Exception as error:  # noqa: BLE001 - an error of ours must not leave a program without a word
        ended = Ended.UNKNOWN
        return Document(
            kind=_process.kind,
            id=None,
            by=options().by or login(),
            began=utc(NOTED.began),
            seconds=0.0,
            only_looked=_process.only_looks,
            outcome=ended,
            exit_code=ended.exit_code,
            sentence=f"{_process.kind}: {ended}",
            problems=(Problem(host=None, says=f"an error in Switchback, of its document alone: {told_of(error)}"),),
        )


def _end() -> None:
    """Called when the interpreter ends, after everything that was to be said."""
    found = made()
    _print(found)
    if _process.owns_exit_code:
        _leave_with(found.exit_code)


def leave() -> None:
    """End this process at once, as one that was stopped: an orderly end waits for what nobody wants to wait for."""
    _process.error = SystemExit(STOPPED)
    found = made()
    _print(found)
    _leave_with(found.exit_code if _process.owns_exit_code else STOPPED)


def _print(found: Document) -> None:
    if _process.json is None:
        return
    text = json.dumps(found.model_dump(mode="json"), indent=2) + "\n"
    try:
        with os.fdopen(_process.json, "w") as file:
            file.write(text)
    except OSError as problem:
        click.echo(f"    The document can't be written to standard output: {problem.strerror}", err=True)


def _leave_with(code: int) -> None:
    """End with an exit code that no exception can bring about this late."""
    for file in (sys.stdout, sys.stderr):
        file.flush()
    os._exit(code)
