"""What a version's Django can say of its databases and files without changing anything."""

from __future__ import annotations

import json
import os
from typing import Any

from django.db import connections

from .checks import uploads
from .databases import aliases
from .going_back import leaving
from .migrations import executor_for, migrations, unknown_in
from .static_files import listed_static_files, static_place


def foresee(asked: str) -> dict[str, Any]:
    """Say what this code would do to the database and the static files. Only reads.

    + asked: JSON: `sql`, whether to write out each migration's SQL; `static`, whether to list the static files; `keep`,
      which of the applied migrations another version has, a list of [app, name], or null
    """
    wanted = json.loads(asked)
    found = migrations()
    for one in found["pending"]:
        one["sql"] = _sql(one) if wanted["sql"] and not one["idle"] else None
    known = None if wanted["keep"] is None else json.dumps(wanted["keep"])
    left = leaving(known) if known else {"leaving": [], "unknown": []}
    return {**found, **left, "static": listed_static_files() if wanted["static"] else None}


def _sql(migration: dict[str, Any]) -> list[str]:
    """The SQL of a migration, or why there is none: some is only known when what comes before has been applied."""
    loader = executor_for(migration["database"]).loader
    try:
        written: list[str] = loader.collect_sql([(loader.graph.nodes[migration["app"], migration["name"]], False)])
    except Exception as problem:  # noqa: BLE001 - whatever it is, the rest can be told
        return [f"-- not known before it is run: {type(problem).__name__}"]
    return written


def about() -> dict[str, Any]:
    """Say which databases the app has, why one can't be reached, and what is applied there that this code lacks; where
    it puts uploads, and looks for static files. Only reads."""
    found = {}
    for alias in connections:
        one = connections[alias]
        told = {key.lower(): str(one.settings_dict.get(key) or "") for key in ("NAME", "HOST")}
        found[alias] = {"vendor": one.vendor, **told, "problem": ""}
        try:
            # To connect to a file would make it.
            if one.vendor != "sqlite":
                one.ensure_connection()
        except Exception as problem:  # noqa: BLE001 - whatever keeps it from its database is the answer
            found[alias]["problem"] = str(problem)
    return {"databases": found, "uploads": uploads(), "static": static_place(), "unknown": _unknown(found)}


def _unknown(databases: dict[str, dict[str, str]]) -> list[list[str]]:
    """What is applied and not in this code, of the databases that can be asked."""
    found = []
    try:
        for alias in aliases():
            told = databases[alias]
            if not told["problem"] and (told["vendor"] != "sqlite" or os.path.exists(told["name"])):
                found += unknown_in(alias, executor_for(alias).loader)
    except Exception:  # noqa: BLE001 - what is wrong with the migrations, a build says
        return []
    return found
