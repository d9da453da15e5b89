"""What our commands are told of locks in the app's database, and what of them is told on the screen."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

from agent.host.output import announce
from agent.inside.protocol import LOCKS, Locked, Patience
from agent.transaction.step import StepContext, StepFailed
from agent.words.shapes import from_json, to_json

T = TypeVar("T")

# PostgreSQL cuts off what is longer.
LONGEST_NAME = 63
# On the way back there is nothing else left to do than to go on trying; so long before the limit it says why, seconds.
SAYS_WHY = 2.0


class NoLock(StepFailed):
    """No lock was to be had in the database: nothing that a version could be blamed for."""


def session_name(deploy: str) -> str:
    """How a deploy's sessions are called in the database: with several hosts, each host's own."""
    return f"switchback {deploy} {os.uname().nodename}".encode("ascii", "replace").decode()[:LONGEST_NAME]


def for_django(step: StepContext) -> dict[str, str]:
    """What our part inside of Django finds in its environment: what its sessions are called, and how it is to wait for
    locks."""
    until = step.until - SAYS_WHY if step.name == "fallback" else None
    name = session_name(step.transaction.deploy)
    settings = step.settings
    told = Patience(name, settings.lock_timeout, until, settings.database_direct_url or "")
    return {"PGAPPNAME": name, LOCKS: to_json(told)}


def unless_locked(shape: type[T], answer: str) -> T:
    """What our part inside of Django has found. Raises NoLock where no lock was to be had; Unreadable."""
    problem = from_json(Locked, answer).no_lock
    if problem is not None:
        raise NoLock(problem)
    return from_json(shape, answer)


def tell(step: StepContext, waited: Iterable[str]) -> None:
    """Say for what a migration has waited, though it came to be."""
    for line in waited:
        announce(f"{step.name}: waited for a lock: {line}")
