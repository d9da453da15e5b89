"""A host whose deploy migrates, and what is applied in its database, as a test says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.transaction.transaction import Transaction
from tests.unit.agent_host import Host
from tests.unit.examples import settings

Note = dict[str, Any]
# What is applied before the deploy, as Django tells it.
BEFORE = [["items", "0001_initial"]]


class MigratingHost:
    """The host, and the database as it is now."""

    def __init__(self, host: Host) -> None:
        self.host, self.applied = host, [*BEFORE]

    def begins(self, way: str, pending: list[Note], settings_too: Note, **begun: Any) -> Transaction:
        """Begin a deploy that finds these migrations in its checks, and this way back from them.

        + settings_too: what of the settings is as the test has it; begun: what else its beginning says
        """
        transaction = self.host.begin(settings=replace(settings().for_host(), **settings_too), **begun)
        self.host.step("checks", lambda _: {"fallback": way, "pending": pending, "applied": BEFORE})
        return transaction
