"""Everything that a run needs to know of a host, read in one command."""

from __future__ import annotations

import json
from typing import Any

from pyinfra.api import FactBase, StringCommand

from agent.words.seen import Version
from agent.words.shapes import read
from switchback.wire.calls import PYTHON, from_here


class Survey(FactBase[dict[str, Any]]):
    """
    Returns what the agent sees of a host: users, folders, links, scripts, service, versions, disk, open transaction,
    hotfixes, and the commits that refs stand for. The agent comes along on standard input; nothing is written.

    **Example:**

    .. code:: python

        facts = host.get_fact(Survey, _sudo=True, _stdin=stdin_for({"settings": {...}}))
        facts["linked"]["current"]  # 'django-20261123-203000-1a2b3c4-5d6e7f8'
    """

    def requires_command(self) -> str:
        """Without Python on the host there is nothing to look with."""
        return PYTHON

    def command(self) -> StringCommand:
        """The agent of this checkout, asked to look."""
        return from_here("survey")

    @staticmethod
    def default() -> dict[str, Any]:
        """What a host that can't be read looks like."""
        return {}

    def process(self, output: list[str]) -> dict[str, Any]:
        """Read the last line; a shell may greet its user before it."""
        try:
            facts = json.loads(output[-1])
            return self.checked(facts) if isinstance(facts, dict) else {}
        except (ValueError, IndexError):
            return {}

    def checked(self, facts: dict[str, Any]) -> dict[str, Any]:
        """What was seen, as both sides know it. Raises Unreadable, which is a ValueError."""
        if "versions" in facts:
            facts["versions"] = list(read(tuple[Version, ...], facts["versions"], "versions"))
        return facts
