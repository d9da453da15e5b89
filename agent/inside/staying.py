"""A Django that has done its verb and stays, to apply the migrations once it is told to."""

from __future__ import annotations

import array
import socket
import traceback
from collections.abc import Callable

from .protocol import END, NOW, STAYS, answer_of

# How long it stays, seconds. Nobody who still wants something of it takes as long, apart from a very large backup.
PATIENCE = 6 * 3600


def stay(number: int, let_go: Callable[[], None], migrate: Callable[[], object]) -> None:
    """Wait to be told to migrate, and answer; whoever is not told ends.

    + number: that of the socket to listen at
    + let_go: closes what is open to databases
    """
    try:
        # A backup comes first, and nothing of ours is to be in its way.
        let_go()
        caller = _asked(number)
    except Exception:  # noqa: BLE001 - what was to be found is found: another Django will migrate
        traceback.print_exc()
        return
    with caller:
        # Whoever has started this is gone, and with it what it says: the caller gets that from us.
        caller.sendmsg([b" "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1, 2]))])
        if caller.recv(len(NOW)) != NOW:
            raise SystemExit("not told to go on")
        caller.sendall(answer_of(migrate)[1].encode() + END)


def _asked(number: int) -> socket.socket:
    """Say that it stays, and wait for whoever asks."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, number) as door:
        with door.accept()[0] as first:
            first.sendall(STAYS)
        door.settimeout(PATIENCE)
        caller = door.accept()[0]
    caller.settimeout(None)
    return caller
