"""The PostgreSQL of a host's own that provision sets up where that is asked for. Pure, of what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from agent.words.facts import HostFacts
from switchback.settings.model import Settings


@dataclass(frozen=True)
class DatabaseServer:
    """What provision does about a database of the app's own.

    + name: of the role and its database, which is the app user's
    + why_not: why it does nothing, where that is so
    + installs, makes_role, makes_database: what is missing
    """

    name: str
    why_not: str
    installs: bool = False
    makes_role: bool = False
    makes_database: bool = False

    @property
    def packages(self) -> tuple[str, ...]:
        """What is to be installed."""
        return ("postgresql",) if self.installs else ()


def database_server(facts: HostFacts, settings: Settings) -> DatabaseServer:
    """Find what there is to do: whatever is there stays as it is."""
    name, seen = settings.app_username, facts.postgresql
    if settings.provision_database == "none" or seen is None:
        return DatabaseServer(name, "provision_database is none")
    if seen.problem:
        return DatabaseServer(name, f"PostgreSQL can't be asked: {seen.problem}")
    return DatabaseServer(name, "", not seen.installed, not seen.role, not seen.database)
