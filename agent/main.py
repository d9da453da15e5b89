"""The agent's commands: what a deploy, the guard and the boot call.

Each command imports what it needs by itself, before it begins: every step of a run waits until the agent has started,
and where a host is looked at that does not have this agent, all that is imported is compiled first.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from agent.host.output import answer, client_connected, conclude, emit, go_on_without_reader, warn
from agent.host.processes import call_this_process
from agent.runs.result import needs_a_person, refused, result_of
from agent.state import State
from agent.transaction.transaction import Ended, Transaction, how_it_ended, open_transaction
from agent.words import requests
from agent.words.journal import JournalUnreadable
from agent.words.outcomes import Refused
from agent.words.requests import ANOTHER_VERSION, read_request
from agent.words.result import Result
from agent.words.settings import site_of
from agent.words.shapes import Unreadable, from_json

UMASK = 0o022
# Filled in when the agent is run from what the controller sent, not from its files.
SOURCES: dict[str, str] = {}


def main(arguments: Sequence[str]) -> int:
    """Do what a document on standard input asks for; or what a unit of systemd does, by its name."""
    # Whatever the login of whoever starts us leaves to nobody else: what we make is for the app and its web server to
    # read. What is nobody else's is made with a mode of its own.
    os.umask(UMASK)
    # The link to the controller may break at any time, and that must not stop a step on its way.
    signal.signal(signal.SIGHUP, _let_pass)
    try:
        if arguments and arguments[0] in UNITS:
            return _as_unit(*arguments)
        return _answered(arguments)
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            go_on_without_reader()
        # As it ends, Python would look for garbage among all that is loaded: a tenth of what a short call takes.
        gc.freeze()


def _let_pass(*_: object) -> None:
    """Do nothing. Were the signal ignored, all that we start would ignore it too, and could not be stopped by it."""


def _as_unit(name: str, about: str) -> int:
    """What one of our units is for. Returns the exit code.

    + about: the site; for what is done as the app's user, what that is
    """
    # What it does is done by the next of them, so it may be stopped at any time.
    call_this_process(name)
    try:
        return UNITS[name](about)
    except JournalUnreadable as problem:
        emit(f"needs a person: {problem}")
        return 1


def _answered(arguments: Sequence[str]) -> int:
    """Do what is asked for, and say at the end how that has ended. Returns the exit code."""
    # A person's run is stopped politely, or not at all.
    signal.signal(signal.SIGTERM, _let_pass)
    try:
        if arguments:
            # As a controller asked that is older than this way to ask.
            raise Refused(ANOTHER_VERSION)
        site, request = read_request(sys.stdin.read())
        call_this_process(request.verb)
        result = VERBS[type(request)](State(site), request)
    except JournalUnreadable as problem:
        emit(f"needs a person: {problem}")
        result = needs_a_person(str(problem))
    except (Refused, Unreadable) as refusal:
        emit(f"refused: {refusal}")
        result = refused(str(refusal))
    if result is None:
        return 0
    conclude(result)
    return 0 if result.ok else 1


def _survey(state: State, request: requests.Survey) -> None:
    from agent.host.readonly import only_look
    from agent.look.survey import survey
    from agent.sites.earlier import as_laid_out

    only_look()
    answer(survey(as_laid_out(state), request))


def _preview(state: State, request: requests.Preview) -> None:
    from agent.host.readonly import only_look
    from agent.look.preview import preview
    from agent.sites.earlier import as_laid_out

    read_only = only_look()
    answer(preview(as_laid_out(state), request, read_only))


def _install(state: State, request: requests.Install) -> Result:
    from agent.runs.install import install

    emit("installed: agent " + install(state, SOURCES))
    return Result(True)


def _step(state: State, request: requests.RunSteps) -> Result:
    return _in_time(state, request.deploy, partial(_do_steps, state, request))


def _in_time(state: State, deploy: str, work: Callable[[], bool]) -> Result:
    """How a part of a deploy has ended, which may come when that is over."""
    try:
        done = work()
    except Ended as how:
        # How it did is told by its journal.
        emit(f"too late: {how}")
        done = False
    return result_of(Transaction(state, deploy), done)


def _do_steps(state: State, request: requests.RunSteps) -> bool:
    from agent.runs.carry_out import run_steps

    names = request.steps
    if request.begin is not None:
        from agent.runs.beginning import begin_deploy

        emit(f"begun: {begin_deploy(state, request.deploy, request.begin).deploy}")
        names = tuple(name for name in names if name != "begin")
        if not client_connected():
            return False
    return run_steps(state, request.deploy, names, request.urls)


def _commit(state: State, request: requests.Commit) -> Result:
    return _in_time(state, request.deploy, partial(_do_commit, state, request))


def _do_commit(state: State, request: requests.Commit) -> bool:
    """Commit, then delete what is not needed any more, if that was asked for."""
    from agent.runs.commit import commit

    if not commit(state, request.deploy) or not client_connected():
        return False
    if request.clean is not None:
        try:
            from agent.runs.clean import clean

            for line in clean(state, request.clean).says():
                emit(line)
        except Exception as problem:  # noqa: BLE001 - the deploy has gone well, whatever becomes of this
            warn(f"clean: WARNING: old versions are still there: {problem}")
    return True


def _fall_back(state: State, request: requests.FallBack) -> Result:
    """Fall back because of something that happened elsewhere; the exit code says that it did not commit."""
    from agent.runs.ending import fall_back

    transaction = Transaction(state, request.deploy)
    if not transaction.folder.exists():
        raise Refused("this deploy was never begun here; nothing was changed")
    transaction.interrupt()
    with transaction.alone():
        if not transaction.progress.outcome:
            fall_back(transaction, request.reason, request.database_is_back, request.cause)
        else:
            emit(how_it_ended(transaction))
    return result_of(transaction, ok=False)


def _clean(state: State, request: requests.Clean) -> Result:
    from agent.runs.clean import clean

    for line in clean(state, request).says():
        emit(line)
    return Result(True)


def _pin(state: State, request: requests.Pin) -> Result:
    from agent.versions.marks import read_mark, write_mark

    write_mark(state, request.version, replace(read_mark(state, request.version), pinned=request.pinned))
    emit(f"{'pinned' if request.pinned else 'not pinned any more'}: {request.version}")
    return Result(True)


def _adopt(state: State, request: requests.Adopt) -> Result:
    """Take versions that a person or another tool has made, and that work, for working ones."""
    from agent.versions.marks import read_mark, write_mark

    state.create()
    for name in request.versions:
        write_mark(state, name, replace(read_mark(state, name), working=int(time.time())))
        emit(f"taken over: {name}")
    return Result(True)


def _recover(state: State, request: requests.Recover) -> Result:
    from agent.runs.recover import recover

    opened = open_transaction(state)
    if opened is None:
        emit("no deploy is open on this host")
        return Result(True)
    return result_of(opened, recover(opened, request.database or "", request.force))


def _tidy(what: str) -> int:
    from agent.runs.deletion import Chore, tidy

    return tidy(from_json(Chore, what))


def _guard(site: str) -> int:
    from agent.runs import guard

    guard.watch(State(site_of(site)))
    return 0


def _boot(site: str) -> int:
    from agent.runs import guard

    guard.after_boot(State(site_of(site)))
    return 0


# What each kind of request is answered by.
VERBS: dict[type, Callable[[State, Any], Result | None]] = {
    requests.Survey: _survey,
    requests.Preview: _preview,
    requests.Install: _install,
    requests.RunSteps: _step,
    requests.Commit: _commit,
    requests.FallBack: _fall_back,
    requests.Clean: _clean,
    requests.Pin: _pin,
    requests.Adopt: _adopt,
    requests.Recover: _recover,
}
UNITS: dict[str, Callable[[str], int]] = {"tidy": _tidy, "guard": _guard, "boot": _boot}
