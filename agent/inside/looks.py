"""What a version's Django can say of its databases and files without changing anything."""

from __future__ import annotations

import json
import os
from dataclasses import replace

from django.db import connections

from .checks import filled, uploads
from .databases import aliases, real
from .going_back import leaving
from .migrations import executor_for, migrations, unknown_in
from .protocol import About, Foreseen, Migration, Name, Question, Reached
from .static_files import listed_static_files, static_place


def foresee(asked: str) -> Foreseen:
    """Say what this code would do to the database and the static files. Only reads.

    + asked: a `Question`, as JSON
    """
    question = Question(**json.loads(asked))
    found = migrations()
    if question.sql:
        found = replace(found, pending=tuple(one if one.idle else replace(one, sql=_sql(one)) for one in found.pending))
    left = None if question.keep is None else leaving(json.dumps(question.keep))
    return Foreseen(found, left, listed_static_files() if question.static else None, filled())


def _sql(migration: Migration) -> tuple[str, ...]:
    """The SQL of a migration, or why there is none: some is only known when what comes before has been applied."""
    loader = executor_for(migration.database).loader
    try:
        return tuple(loader.collect_sql([(loader.graph.nodes[migration.app, migration.name], False)]))
    except Exception as problem:  # noqa: BLE001 - whatever it is, the rest can be told
        return (f"-- not known before it is run: {type(problem).__name__}",)


def about() -> About:
    """Say which databases the app has, why one can't be reached, and what is applied there that this code lacks; where
    it puts uploads, and looks for static files. Only reads."""
    found = {}
    for alias in real():
        one, problem = connections[alias], ""
        try:
            # To connect to a file would make it.
            if one.vendor != "sqlite":
                one.ensure_connection()
        except Exception as refusal:  # noqa: BLE001 - whatever keeps it from its database is the answer
            problem = str(refusal)
        name, host = (str(one.settings_dict.get(key) or "") for key in ("NAME", "HOST"))
        found[alias] = Reached(one.vendor, name, host, problem)
    return About(found, uploads(), static_place(), _unknown(found))


def _unknown(databases: dict[str, Reached]) -> tuple[Name, ...]:
    """What is applied and not in this code, of the databases that can be asked."""
    found: list[Name] = []
    try:
        for alias in aliases():
            told = databases[alias]
            if not told.problem and (told.vendor != "sqlite" or os.path.exists(told.name)):
                found += unknown_in(alias, executor_for(alias).loader)
    except Exception:  # noqa: BLE001 - what is wrong with the migrations, a build says
        return ()
    return tuple(found)
