"""Sessions in the app's databases: whose they are, and the end of those that a killed process has left."""

from __future__ import annotations

import json
import os
import time
from urllib.parse import urlsplit

from django.db import connections

from .engines.known import known
from .protocol import DEFAULT, LOCKS, Patience, Sessions

# How long a session that was told to end may take, and how often it is looked, seconds.
ENDS_WITHIN, LOOK = 10.0, 0.05


def patience() -> Patience | None:
    """How the agent has told to wait; None where nobody has."""
    told = os.environ.get(LOCKS)
    return Patience(**json.loads(told)) if told else None


def name_sessions(name: str) -> bool:
    """Have every session of this process say whose it is. Returns whether one was open already, under another name."""
    opened = False
    for connection, engine in known():
        engine.name_sessions(connection, name)
        opened = opened or connection.connection is not None
    return opened


def go_directly(url: str) -> None:
    """Have PostgreSQL be reached where it is itself, and not by a pooler: the default database, and whatever of the
    project's is at the same address.

    + url: with HOST:PORT, and the default database's name if it has another one there; nothing where there is no pooler
    """
    if not url:
        return
    direct, default = urlsplit(url), connections[DEFAULT].settings_dict
    pooler = (default.get("HOST"), default.get("PORT"))
    for connection, engine in known():
        told = connection.settings_dict
        if engine.vendor == "postgresql" and (told.get("HOST"), told.get("PORT")) == pooler:
            told.update(HOST=direct.hostname, PORT=str(direct.port or ""))
    if direct.path.strip("/") and connections[DEFAULT].vendor == "postgresql":
        default["NAME"] = direct.path.strip("/")


def end_sessions() -> Sessions:
    """End the sessions that killed processes of this deploy have left: what they had asked for goes on otherwise."""
    told = patience()
    name = told.name if told else ""
    ended, left = list[str](), list[str]()
    for connection, engine in known():
        found = dict(engine.left(connection, name))
        for session, says in found.items():
            engine.end(connection, session)
            ended.append(says)
        end = time.monotonic() + ENDS_WITHIN
        while found and time.monotonic() < end:
            time.sleep(LOOK)
            found = dict(engine.left(connection, name))
        left += found.values()
    return Sessions(tuple(ended), tuple(left))
