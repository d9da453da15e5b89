"""What of PostgreSQL a host has that an app's own database would need: a server, a role, a database of that name."""

from __future__ import annotations

import time
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.reading import matching
from agent.host.users import can_become
from agent.text.lines import first_line
from agent.words.seen import PostgreSQL

# Who may ask it everything, and how long it may take, seconds.
OWNER, LIMIT = "postgres", 20.0
NAMES = "SELECT 'role ' || rolname FROM pg_roles UNION ALL SELECT 'database ' || datname FROM pg_database"


def postgresql(name: str) -> PostgreSQL:
    """Look at the host's own server.

    + name: of the role and the database
    """
    if not can_become(OWNER) or not matching(Path("/usr/lib/postgresql"), "*/bin/postgres"):
        return PostgreSQL(installed=False, role=False, database=False)
    asks = Runner(user=OWNER, log=None, until=time.time() + LIMIT)
    try:
        told = asks.run(["psql", "--no-psqlrc", "--no-align", "--tuples-only", "--command", NAMES]).splitlines()
    except (OSError, CommandFailed) as problem:
        return PostgreSQL(installed=True, role=False, database=False, problem=first_line(str(problem)))
    return PostgreSQL(installed=True, role=f"role {name}" in told, database=f"database {name}" in told)
