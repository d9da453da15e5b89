"""What the agent and its part inside of Django say to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What a verb has found goes to standard output as one line of JSON that begins so, whatever else the app prints.
RESULT_PREFIX = "switchback-result: "
# Has it stay; what it then says, what it is told, and with what its answer ends.
THEN_MIGRATE, STAYS, NOW, END = "then-migrate", b"stays", b"now", b"\n"
# In the environment, JSON: `name`, what our sessions are called; `timeout`, seconds; `until`, the time until which a
# migration that gets no lock is tried again and again, seconds since the epoch, or null for a few tries.
LOCKS = "SWITCHBACK_LOCKS"


class NoLock(SystemExit):
    """No lock was to be had, which says nothing of the code that has asked for it."""


def or_no_lock(verb: Callable[..., dict[str, Any]], *arguments: str) -> dict[str, Any]:
    """What a verb finds; that no lock was to be had is something to be found, too."""
    try:
        return verb(*arguments)
    except NoLock as problem:
        return {"no_lock": str(problem)}
