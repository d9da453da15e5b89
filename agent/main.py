"""The agent's commands: what a deploy asks for, and what the units of systemd start.

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
from typing import Any

from agent.host.output import answer, conclude, emit, go_on_without_reader
from agent.host.processes import call_this_process
from agent.runs.result import needs_a_person, refused
from agent.state import State
from agent.transaction.transaction import Transaction
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
    # Whoever has loaded us has turned it off.
    gc.enable()
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


def _history(state: State, request: requests.History) -> None:
    from agent.host.readonly import only_look
    from agent.record.past import past
    from agent.sites.earlier import as_laid_out

    only_look()
    answer(past(as_laid_out(state), request))


def _why(state: State, request: requests.Why) -> None:
    from agent.host.readonly import only_look
    from agent.record.why import why
    from agent.sites.earlier import as_laid_out

    only_look()
    answer(why(as_laid_out(state), request))


def _logs(state: State, request: requests.Logs) -> Result | None:
    from agent.host.readonly import only_look
    from agent.live.logs import follow, logs

    only_look()
    if not request.follow:
        answer(logs(state, request))
        return None
    problem = follow(state, request)
    return Result(not problem, sentence=problem)


def _manage(state: State, request: requests.Manage) -> Result:
    from agent.live.manage import manage

    return manage(state, request)


def _remove(state: State, request: requests.Remove) -> Result | None:
    from agent.runs.remove import look, remove

    if request.look:
        answer(look(state, request))
        return None
    return remove(state, request)


def _keep_page(state: State, request: requests.KeepPage) -> Result:
    from agent.record.page import keep

    emit(f"its page is kept in {keep(state, request)}")
    return Result(True)


def _install(state: State, request: requests.Install) -> Result:
    from agent.runs.install import install

    emit("installed: agent " + install(state, SOURCES))
    return Result(True)


def _told(state: State, request: requests.Go | requests.Commit | requests.AllWell | requests.FallBack) -> Result:
    """How a run has ended, where no runner is there to ask."""
    from agent.runs.result import told_by_disk

    return told_by_disk(Transaction(state, request.deploy), getattr(request, "until", ""))


def _no_runner(_: State, __: object) -> Result:
    raise Refused(
        "the runner of this host can't be started, so nothing was changed; look there: journalctl -u switchback"
    )


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


def _tidy(what: str) -> int:
    from agent.runs.deletion import Chore, tidy

    return tidy(from_json(Chore, what))


def _runner(site: str) -> int:
    from agent.runner.main import run

    return run(State(site_of(site)))


# What each kind of request is answered by, where it does not come to a runner.
VERBS: dict[type, Callable[[State, Any], Result | None]] = {
    requests.Survey: _survey,
    requests.Preview: _preview,
    requests.History: _history,
    requests.Why: _why,
    requests.Logs: _logs,
    requests.Manage: _manage,
    requests.Remove: _remove,
    requests.KeepPage: _keep_page,
    requests.Install: _install,
    requests.Begin: _no_runner,
    requests.Clean: _no_runner,
    requests.Recover: _no_runner,
    requests.Go: _told,
    requests.AllWell: _told,
    requests.Commit: _told,
    requests.FallBack: _told,
    requests.Pin: _pin,
    requests.Adopt: _adopt,
}
UNITS: dict[str, Callable[[str], int]] = {"tidy": _tidy, "runner": _runner}
