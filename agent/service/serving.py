"""Which of supervisord's programs serves the web: whatever else it runs, nobody waits for an answer of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from agent.host.connections import listening_at
from agent.service import systemd
from agent.service.obstacles import APP, port_of, web_program
from agent.service.supervisor import Told
from agent.service.supervisor_config import Program, Sections, programs
from agent.service.verdicts import program_of

# Servers as a command line names them that names no app.
SERVERS = ("gunicorn", "uvicorn", "hypercorn", "daphne", "uwsgi", "waitress-serve", "granian", "runserver")


def besides_listeners(sections: Sections) -> list[Program]:
    """The programs of a config, without those that only hear of supervisord's events."""
    return [one for one in programs(sections).values() if one.kind != "eventlistener"]


def serving(sections: Sections, told: Sequence[Told], health_url: str) -> frozenset[str]:
    """The names of the programs that serve the web; empty where nobody can tell.

    + told: what supervisord says of each process
    """
    web = web_program(sections, health_url)
    if web:
        return frozenset({web.name})
    # Whoever listens where the app is asked; behind a web server that takes that port, whatever looks like one.
    at = listening_at(port_of(health_url))
    found = {program_of(one, sections).name for one in told if one.pid and at and _has_any(one.pid, at)}
    return frozenset(found or {one.name for one in besides_listeners(sections) if _looks_like_a_server(one)})


def _has_any(pid: int, sockets: frozenset[str]) -> bool:
    """Whether a process or a descendant of it has one of some sockets."""
    names = {f"socket:[{number}]" for number in sockets}
    return any(names.intersection(systemd.open_files(member)) for member in systemd.family_ids(pid))


def _looks_like_a_server(program: Program) -> bool:
    return any(APP.fullmatch(word) or os.path.basename(word) in SERVERS for word in program.argv)
