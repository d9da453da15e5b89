"""The document of the run of this process, made of where pyinfra is by now."""

from __future__ import annotations

from pyinfra.api import Host, State
from pyinfra.context import ctx_state

from switchback.document.made import Asked, HostSeen, document_of, told_of, utc
from switchback.document.model import Document, Operation, Problem
from switchback.document.noted import NOTED
from switchback.document.process import Process
from switchback.ended import Ended
from switchback.hosts.inventory import options
from switchback.runs.run import login
from switchback.wire.results import heard_from

# How many of the last lines that an operation has said are kept.
LINES = 20


def document(process: Process) -> Document:
    """The document of a process's run, as far as that has come."""
    state = ctx_state.get() if ctx_state.isset() else None
    hosts = [host for host in state.inventory if state.is_host_in_limit(host)] if state and state.initialised else []
    return document_of(
        Asked(process.kind, options().by or login(), process.only_looks, options().detailed_exitcode),
        NOTED,
        [_seen(state, host) for host in hosts] if state else [],
        bool(state and state.initialised and state.is_executing),
        process.error,
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


def made(process: Process) -> Document:
    """The same, also where it can't be made."""
    try:
        return document(process)
    except Exception as error:  # noqa: BLE001 - an error of ours must not leave a program without a word
        ended = Ended.UNKNOWN
        return Document(
            kind=process.kind,
            id=None,
            by=options().by or login(),
            began=utc(NOTED.began),
            seconds=0.0,
            only_looked=process.only_looks,
            outcome=ended,
            exit_code=ended.exit_code,
            sentence=f"{process.kind}: {ended}",
            problems=(Problem(host=None, says=f"an error in Switchback, of its document alone: {told_of(error)}"),),
        )
