"""The agent's commands: what a deploy, the guard and the boot call.

Each command imports what it needs by itself, before it begins: every step of a run waits until the agent has started,
and where a host is looked at that does not have this agent, all that is imported is compiled first.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from agent.host.output import answer, client_connected, conclude, go_on_without_reader, say, warn
from agent.runs.result import refused, result_of
from agent.state import State
from agent.transaction.transaction import Ended, Refused, Transaction, how_it_ended, open_transaction
from agent.words.outcomes import Cause
from agent.words.result import Result

UMASK = 0o022
# Filled in when the agent is run from what the controller sent, not from its files.
SOURCES: dict[str, str] = {}


def main(arguments: Sequence[str]) -> int:
    """Run one command: its name, then its arguments; a JSON object on standard input says the rest."""
    # Whatever the login of whoever starts us leaves to nobody else: what we make is for the app and its web server to
    # read. What is nobody else's is made with a mode of its own.
    os.umask(UMASK)
    # The link to the controller may break at any time, and that must not stop a step on its way.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if arguments[0] not in ("guard", "boot", "tidy"):
        # What those do is done by the next of them; a person's run is stopped politely, or not at all.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        return _carried_out(arguments[0], list(arguments[1:]))
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            go_on_without_reader()


def _carried_out(verb: str, arguments: list[str]) -> int:
    """Do what is asked for, and say at the end how that has ended. Returns the exit code."""
    try:
        result = COMMANDS[verb](State(), arguments)
    except Refused as refusal:
        say(f"refused: {refusal}")
        result = refused(str(refusal))
    if result is None:
        return 0
    conclude(result)
    return 0 if result.ok else 1


def _given() -> dict[str, Any]:
    """The JSON object on standard input."""
    text = sys.stdin.read()
    given: dict[str, Any] = json.loads(text) if text.strip() else {}
    return given


def _survey(state: State, _: list[str]) -> None:
    from agent.host.readonly import only_look
    from agent.look.survey import survey

    only_look()
    answer(survey(state, _given()))


def _preview(state: State, _: list[str]) -> None:
    from agent.host.readonly import only_look
    from agent.look.preview import preview

    read_only = only_look()
    answer(preview(state, _given(), read_only))


def _install(state: State, _: list[str]) -> Result:
    from agent.runs.install import install

    say("installed: agent " + install(state, SOURCES, _given()["unit"]))
    return Result(True)


def _step(state: State, arguments: list[str]) -> Result:
    deploy, names = arguments[0], arguments[1].split(",")
    try:
        done = _do_steps(state, deploy, names, _given())
    except Ended as how:
        # How it did is told by its journal.
        say(f"too late: {how}")
        done = False
    return result_of(Transaction(state, deploy), done)


def _do_steps(state: State, deploy: str, names: list[str], given: dict[str, Any]) -> bool:
    if names == ["commit"]:
        return _commit(state, deploy, given.get("clean"))
    from agent.runs.carry_out import run_steps

    if names[0] == "begin":
        from agent.runs.beginning import begin_deploy

        say(f"begun: {begin_deploy(state, given['begin']).deploy}")
        names = names[1:]
        if not client_connected():
            return False
    return run_steps(state, deploy, names, given)


def _commit(state: State, deploy: str, to_clean: dict[str, Any] | None) -> bool:
    """Commit, then delete what is not needed any more, if that was asked for."""
    from agent.runs.commit import commit

    if not commit(state, deploy) or not client_connected():
        return False
    if to_clean is not None:
        try:
            from agent.runs.clean import clean

            _tell(clean(state, to_clean))
        except Exception as problem:  # noqa: BLE001 - the deploy has gone well, whatever becomes of this
            warn(f"clean: WARNING: old versions are still there: {problem}")
    return True


def _fall_back(state: State, arguments: list[str]) -> Result:
    """Fall back because of something that happened elsewhere; the exit code says that it did not commit."""
    from agent.runs.ending import fall_back

    transaction, given = Transaction(state, arguments[0]), _given()
    if not transaction.folder.exists():
        raise Refused("this deploy was never begun here; nothing was changed")
    transaction.interrupt()
    with transaction.alone():
        progress = transaction.progress
        if not progress.outcome:
            fall_back(transaction, given["reason"], bool(given.get("settled")), Cause(given["cause"]))
        else:
            say(how_it_ended(transaction))
    return result_of(transaction, ok=False)


def _clean(state: State, _: list[str]) -> Result:
    from agent.runs.clean import clean

    _tell(clean(state, _given()))
    return Result(True)


def _tell(done: dict[str, Any]) -> None:
    for name in done["deleted"]:
        say(f"deleted: {name}")
    say("{} deleted, {} kept, {:.0f} MB freed".format(len(done["deleted"]), done["kept"], done["bytes"] / 1e6))


def _mark(state: State, _: list[str]) -> Result:
    from agent.versions.marks import change_mark

    given = _given()
    change_mark(state, given["version"], pinned=given["pinned"] or None)
    say("{}: {}".format("pinned" if given["pinned"] else "not pinned any more", given["version"]))
    return Result(True)


def _recover(state: State, _: list[str]) -> Result:
    from agent.runs.recover import recover

    opened = open_transaction(state)
    if opened is None:
        say("no deploy is open on this host")
        return Result(True)
    given = _given()
    return result_of(opened, recover(opened, given.get("database") or "", bool(given.get("force"))))


def _adopt(state: State, _: list[str]) -> Result:
    """Take versions that a person or another tool has made, and that work, for working ones."""
    from agent.versions.marks import change_mark

    state.create()
    for name in _given()["versions"]:
        change_mark(state, name, working=int(time.time()))
        say(f"taken over: {name}")
    return Result(True)


def _tidy(_: State, arguments: list[str]) -> None:
    from agent.versions.deletion import tidy

    sys.exit(tidy(json.loads(arguments[0])))


def _guard(state: State, _: list[str]) -> None:
    from agent.runs import guard

    guard.watch(state)


def _boot(state: State, _: list[str]) -> None:
    from agent.runs import guard

    guard.after_boot(state)


COMMANDS: dict[str, Callable[[State, list[str]], Result | None]] = {
    "survey": _survey,
    "preview": _preview,
    "install": _install,
    "step": _step,
    "fall-back": _fall_back,
    "clean": _clean,
    "mark": _mark,
    "adopt": _adopt,
    "recover": _recover,
    "tidy": _tidy,
    "guard": _guard,
    "boot": _boot,
}
