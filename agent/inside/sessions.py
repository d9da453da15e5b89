"""Sessions in PostgreSQL: whose they are, who they are of, and the end of those that a killed process has left."""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from django.db import connections

from .protocol import LOCKS, Patience, Sessions

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

OURS = """
SELECT pid, query FROM pg_stat_activity WHERE application_name = %s AND usename = current_user
AND datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
# How long a session that was told to end may take, and how often it is looked, seconds.
ENDS_WITHIN, LOOK = 10.0, 0.05
# The first words of a query, as far as they are no values.
WORDS = re.compile(r"\s*((?:(?:\"?[A-Za-z_][\w.\"]*[,;]?|\*)(?:\s+|$)){1,6})")


def patience() -> Patience | None:
    """How the agent has told to wait; None where nobody has."""
    told = os.environ.get(LOCKS)
    return Patience(**json.loads(told)) if told else None


def postgresql() -> list[BaseDatabaseWrapper]:
    """The connections to databases of that kind."""
    return [connections[alias] for alias in connections if connections[alias].vendor == "postgresql"]


def name_sessions(name: str) -> bool:
    """Have every session of this process say whose it is. Returns whether one was open already, under another name."""
    opened = False
    for connection in postgresql():
        connection.settings_dict["OPTIONS"] = {
            **(connection.settings_dict.get("OPTIONS") or {}),
            "application_name": name,
        }
        opened = opened or connection.connection is not None
    return opened


def end_sessions() -> Sessions:
    """End the sessions that killed processes of this deploy have left: what they had asked for goes on otherwise."""
    told = patience()
    name = told.name if told else ""
    ended, left = [], []
    for connection in postgresql():
        with connection.cursor() as cursor:
            cursor.execute(OURS, [name])
            found = cursor.fetchall()
            for pid, query in found:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
                ended.append(f"pid {pid}, {first_words(query)} ...")
            end = time.monotonic() + ENDS_WITHIN
            while found and time.monotonic() < end:
                time.sleep(LOOK)
                cursor.execute(OURS, [name])
                found = cursor.fetchall()
            left += [f"pid {pid}, {first_words(query)} ..." for pid, query in found]
    return Sessions(tuple(ended), tuple(left))


def first_words(query: str | None) -> str:
    """How a query begins: six words at most, and none that could be a value."""
    found = WORDS.match((query or "") + " ")
    words = found.group(1).split() if found else []
    # What is set may stand there without quotes.
    setting = next((number for number, word in enumerate(words) if word.upper() == "SET"), len(words))
    return " ".join(words[: setting + 1])


class Holder(NamedTuple):
    """Who holds a lock, as PostgreSQL tells it: not all is shown to everybody.

    + since: when the transaction was begun, and how many seconds ago that is
    """

    pid: int
    user: str | None = None
    application: str | None = None
    state: str | None = None
    query: str | None = None
    since: str | None = None
    seconds: float | None = None


def described(holder: Holder) -> str:
    """The same as words."""
    pid, user, application, state, query, since, seconds = holder
    if not pid:
        return "a prepared transaction (select * from pg_prepared_xacts)"
    words = [f"pid {pid}", f"user {user}", application and f"application {application}"]
    if since:
        words.append(f"in a transaction since {since} UTC ({int(seconds or 0)} s)")
    said = first_words(query)
    return ", ".join(filter(None, [*words, state, said and f"query: {said} ..."]))
