"""What scripts of the host's own leave running on purpose, as told to a person."""

from __future__ import annotations

from agent.host.command import CommandFailed
from agent.host.output import emit, warn
from agent.loop.leftovers import let_go_on
from agent.transaction.transaction import Transaction


def let_scripts_go_on(transaction: Transaction, name: str) -> None:
    """Let go on what a script of the host's own has left running, and say so; where that can't be, it ends here."""
    try:
        for one in let_go_on(f"{transaction.state.site}-{name}-{transaction.deploy[-4:]}"):
            emit(f"{name}: has left running: {one}")
    except (OSError, CommandFailed) as problem:
        warn(f"{name}: WARNING: what it has left running ends now: {problem}")
