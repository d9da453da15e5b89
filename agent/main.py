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

from agent.host.output import answer, go_on_without_reader, say, somebody_listens
from agent.state import State
from agent.transaction.transaction import Ended, Refused, Transaction, how_it_ended, open_transaction

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
        return COMMANDS[arguments[0]](State(), list(arguments[1:]))
    except Refused as refusal:
        say(f"refused: {refusal}")
        return 1
    except Ended as how:
        # Not an outcome of its own: what it was is told by whoever ended it.
        say(f"too late: {how}")
        return 1
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            go_on_without_reader()


def _given() -> dict[str, Any]:
    """The JSON object on standard input."""
    text = sys.stdin.read()
    given: dict[str, Any] = json.loads(text) if text.strip() else {}
    return given


def _survey(state: State, _: list[str]) -> int:
    from agent.host.readonly import only_look
    from agent.look.survey import survey

    only_look()
    answer(survey(state, _given()))
    return 0


def _preview(state: State, _: list[str]) -> int:
    from agent.host.readonly import only_look
    from agent.look.preview import preview

    read_only = only_look()
    answer(preview(state, _given(), read_only))
    return 0


def _install(state: State, _: list[str]) -> int:
    from agent.runs.install import install

    say("installed: agent " + install(state, SOURCES, _given()["unit"]))
    return 0


def _step(state: State, arguments: list[str]) -> int:
    deploy, names = arguments[0], arguments[1].split(",")
    given = _given()
    if names == ["commit"]:
        return _commit(state, deploy, given.get("clean"))
    from agent.runs.carry_out import run_steps

    if names[0] == "begin":
        from agent.runs.beginning import begin_deploy

        say(f"begun: {begin_deploy(state, given['begin']).deploy}")
        names = names[1:]
        if not somebody_listens():
            return 1
    return 0 if run_steps(state, deploy, names, given) else 1


def _commit(state: State, deploy: str, to_clean: dict[str, Any] | None) -> int:
    """Commit, then delete what is not needed any more, if that was asked for."""
    from agent.runs.commit import commit

    if not commit(state, deploy) or not somebody_listens():
        return 1
    if to_clean is not None:
        try:
            from agent.runs.clean import clean

            _tell(clean(state, to_clean))
        except Exception as problem:  # noqa: BLE001 - the deploy has gone well, whatever becomes of this
            say(f"clean: WARNING: old versions are still there: {problem}")
    return 0


def _fall_back(state: State, arguments: list[str]) -> int:
    """Fall back because of something that happened elsewhere; the exit code says that it did not commit."""
    from agent.runs.ending import fall_back

    transaction, given = Transaction(state, arguments[0]), _given()
    if not transaction.folder.exists():
        say("refused: this deploy was never begun here; nothing was changed")
        return 1
    transaction.interrupt()
    with transaction.alone():
        progress = transaction.progress
        if not progress.outcome:
            fall_back(transaction, given["reason"], settled=bool(given.get("settled")))
        else:
            say(how_it_ended(transaction))
    return 1


def _clean(state: State, _: list[str]) -> int:
    from agent.runs.clean import clean

    _tell(clean(state, _given()))
    return 0


def _tell(done: dict[str, Any]) -> None:
    for name in done["deleted"]:
        say(f"deleted: {name}")
    say("{} deleted, {} kept, {:.0f} MB freed".format(len(done["deleted"]), done["kept"], done["bytes"] / 1e6))


def _tidy(_: State, arguments: list[str]) -> int:
    from agent.versions.deletion import tidy

    return tidy(json.loads(arguments[0]))


def _mark(state: State, _: list[str]) -> int:
    from agent.versions.marks import change_mark

    given = _given()
    change_mark(state, given["version"], pinned=given["pinned"] or None)
    say("{}: {}".format("pinned" if given["pinned"] else "not pinned any more", given["version"]))
    return 0


def _recover(state: State, _: list[str]) -> int:
    from agent.runs.recover import recover

    opened = open_transaction(state)
    if opened is None:
        say("no deploy is open on this host")
        return 0
    given = _given()
    return 0 if recover(opened, given.get("database") or "", bool(given.get("force"))) else 1


def _guard(state: State, _: list[str]) -> int:
    from agent.runs import guard

    guard.watch(state)
    return 0


def _boot(state: State, _: list[str]) -> int:
    from agent.runs import guard

    guard.after_boot(state)
    return 0


def _adopt(state: State, _: list[str]) -> int:
    """Take versions that a person or another tool has made, and that work, for working ones."""
    from agent.versions.marks import change_mark

    state.create()
    for name in _given()["versions"]:
        change_mark(state, name, working=int(time.time()))
        say(f"taken over: {name}")
    return 0


COMMANDS: dict[str, Callable[[State, list[str]], int]] = {
    "survey": _survey,
    "preview": _preview,
    "install": _install,
    "step": _step,
    "fall-back": _fall_back,
    "clean": _clean,
    "tidy": _tidy,
    "mark": _mark,
    "adopt": _adopt,
    "recover": _recover,
    "guard": _guard,
    "boot": _boot,
}
