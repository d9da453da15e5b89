"""From manage.py to a verb of ours, in the place of the command that manage.py would have run.

Asked for it, the Django that has done its verb stays, to apply the migrations once it is told to.
"""

from __future__ import annotations

import importlib
import os
import runpy
import socket
import sys
import traceback
from collections.abc import Callable

from .protocol import END, NOW, RESULT_PREFIX, STAYS, THEN_MIGRATE, Checks, Collected, answer_of

# In which module each verb is; a function of its name.
VERBS = {
    "static": "static_files",
    "checks": "checks",
    "migrations": "migrations",
    "migrate": "migrations",
    "reapply": "migrations",
    "unapply": "going_back",
    "leaving": "going_back",
    "about": "looks",
    "foresee": "looks",
    "end_sessions": "sessions",
}
# A management command of the app's own, and none of ours.
COMMAND = "command"
# What must leave the database as it is, also while the app starts for it.
ONLY_LOOK = ("foresee", "about")


def main(manage: str, verb: str, arguments: list[str]) -> None:
    """Let manage.py set everything up as it always does, then do our work in the place of its own."""
    manage = os.path.abspath(manage)
    # Python put our folder first; names of ours must not shadow the app's. Nor may `django` in a config.
    del sys.path[0]
    from django.core import management

    sys.path.insert(0, os.path.dirname(manage))

    def ours(argv: object = None) -> None:
        if verb == COMMAND:
            _command(manage, *arguments)
        else:
            _work(verb, arguments)

    management.execute_from_command_line = ours
    sys.argv = [manage, *arguments[1:]] if verb == COMMAND else [manage, verb]
    runpy.run_path(manage, run_name="__main__")


def _command(manage: str, root: str, *words: str) -> None:
    """Do a management command as manage.py would have, but that static files go where the version has them.

    + root: that folder; words: the command's
    """
    from django.core.management import ManagementUtility

    from .static_files import lead_static_files_to

    lead_static_files_to(root)
    ManagementUtility([manage, *words]).execute()


def _work(verb: str, arguments: list[str]) -> None:
    import django

    if verb in ONLY_LOOK:
        from .databases import have_databases_refuse_to_write

        have_databases_refuse_to_write()
    door = None
    if arguments[-2:-1] == [THEN_MIGRATE]:
        door = int(arguments[-1])
        del arguments[-2:]
        # What the app starts is not to hold it open when we are gone.
        os.set_inheritable(door, False)
    if verb == "static":
        from .static_files import lead_static_files_to

        arguments.append(lead_static_files_to(arguments[0]))
    django.setup()
    _wait_for_no_lock()
    found, answer = answer_of(getattr(importlib.import_module(f".{VERBS[verb]}", __package__), verb), *arguments)
    print(RESULT_PREFIX + answer, flush=True)
    if door is not None and _has_to_migrate(found.checks if isinstance(found, Collected) else found):
        from .databases import let_go_of_databases
        from .migrations import migrate

        stay(door, let_go_of_databases, migrate)


def _wait_for_no_lock() -> None:
    """Have what works for a deploy say so to the database, and let no visitor wait while it waits for a lock."""
    from .databases import let_go_of_databases
    from .locks import be_patient
    from .sessions import go_directly, name_sessions, patience

    told = patience()
    if told is None:
        return
    go_directly(told.direct)
    if name_sessions(told.name):
        let_go_of_databases()
    be_patient(told.timeout, told.until)


def _has_to_migrate(found: object) -> bool:
    return isinstance(found, Checks) and bool(found.pending and not found.errors and not found.conflicts)


def stay(number: int, let_go: Callable[[], None], migrate: Callable[[], object]) -> None:
    """Say that it stays, wait to be told to migrate, and answer; whoever is not told ends.

    + number: that of the socket to whoever tells
    + let_go: closes what is open to databases
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, number) as caller:
        try:
            # A backup comes first, and nothing of ours is to be in its way.
            let_go()
            caller.sendall(STAYS)
            told = caller.recv(len(NOW))
        except Exception:  # noqa: BLE001 - what was to be found is found: another Django will migrate
            traceback.print_exc()
            return
        if told == NOW:
            caller.sendall(answer_of(migrate)[1].encode() + END)
