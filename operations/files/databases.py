"""Backs the databases of a Django project up, and restores them: what the two scripts beside this file start.

    python databases.py MANAGE_PY backup FOLDER     prints the path of the backup
    python databases.py MANAGE_PY restore PATH

Which databases there are, and how they are reached, the project's own settings say. To be changed as the site needs it.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import django
from database_engines import KINDS, Database, Failed
from django.apps import apps
from django.core import management
from django.db import DatabaseError, connections, router

# Django's own kinds of databases, by the last word of their engines.
OWN = {
    "mysql": "mysql",
    "postgis": "postgresql",
    "postgresql": "postgresql",
    "spatialite": "sqlite",
    "sqlite3": "sqlite",
}
# How what is not whole yet is called; and what lists, in a backup of several databases, which is in which of its files.
UNFINISHED, LIST = ".unfinished-", "databases.json"


def databases() -> dict[str, Database]:
    """The databases that are backed up, by their aliases: those that the project migrates."""
    found = {}
    for alias in os.environ.get("SWITCHBACK_DATABASES", "").split() or migrated():
        vendor = vendor_of(alias)
        if vendor not in KINDS:
            raise Failed(f'DATABASES["{alias}"] is of a kind that database_engines.py does not know: {vendor}')
        found[alias] = KINDS[vendor](alias, directly(alias) if vendor == "postgresql" else connections.settings[alias])
    return found


def vendor_of(alias: str) -> str:
    """Of what kind a database is. Django's own are known by their names: to load one takes longer than a small dump."""
    engine = str(connections.settings[alias]["ENGINE"])
    own = OWN.get(engine.rpartition(".")[2]) if engine.startswith("django.") else None
    return own or str(connections[alias].vendor)


def directly(alias: str) -> Mapping[str, object]:
    """The settings of a PostgreSQL database, reached without a pooler: what pg_dump and psql set would stay there on a
    connection that a visitor gets next. Raises Failed where nobody has told where it is."""
    settings: Mapping[str, object] = connections.settings[alias]
    default: Mapping[str, object] = connections.settings["default"]
    direct = urlsplit(os.environ.get("SWITCHBACK_DIRECT_URL", ""))
    if direct.hostname and all(settings.get(key) == default.get(key) for key in ("HOST", "PORT")):
        name = direct.path.strip("/") if alias == "default" else ""
        found = {"HOST": direct.hostname, "PORT": direct.port, "NAME": name or settings["NAME"]}
        return {**settings, **found}
    if alias in os.environ.get("SWITCHBACK_DIRECT", "").split():
        # Whoever has told that has just looked.
        return settings
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        answers = cursor.fetchone()[0]
        connected = connections[alias].connection.info.backend_pid
    connections[alias].close()
    if answers != connected:
        raise Failed(
            f'DATABASES["{alias}"] is reached by a pooler, which would hand out what a backup or a restore sets: name '
            "the database itself, in the settings of Switchback as database_direct_url: postgresql://HOST:PORT, or by "
            "hand as SWITCHBACK_DIRECT_URL"
        )
    return settings


def migrated() -> list[str]:
    """The default database, and those that the project's routers write to. Another one may be somebody else's."""
    django.setup()
    models = apps.get_models(include_auto_created=True)

    def own(alias: str) -> bool:
        mirror = (connections.settings[alias].get("TEST") or {}).get("MIRROR")
        return not mirror and any(
            router.allow_migrate_model(alias, model)
            and (router.db_for_write(model) == alias or not router.allow_migrate_model("default", model))
            for model in models
        )

    return ["default", *(alias for alias in connections if alias != "default" and own(alias))]


def backup(folder: Path) -> Path:
    """Back all of them up into one file. Returns its path; it is there when it is whole, and on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{UNFINISHED}*"):
        # What was killed has left it, named after a process that is gone.
        if not Path("/proc", left.name.split("-")[1]).exists():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    found = databases()
    with tempfile.TemporaryDirectory(prefix=f"{UNFINISHED}{os.getpid()}-", dir=folder) as name:
        parts = {alias: Path(name, plain(alias) + one.suffix) for alias, one in found.items()}
        for alias, one in found.items():
            one.dump(parts[alias])
        (alias, whole), *others = parts.items()
        base = "databases" if others else plain(Path(found[alias].name).stem)
        whole = packed(found, parts) if others else whole
        return placed(whole, folder / (base + time.strftime("-%Y%m%d-%H%M%S", time.gmtime())))


def plain(name: str) -> str:
    """A name without what would be more than that in a path."""
    return re.sub(r"[^\w.-]", "_", name)


def packed(found: Mapping[str, Database], parts: Mapping[str, Path]) -> Path:
    """One file of several databases, and the list of them at its beginning."""
    listed = next(iter(parts.values())).with_name(LIST)
    told = {alias: {"vendor": one.vendor, "name": one.name, "file": parts[alias].name} for alias, one in found.items()}
    listed.write_text(json.dumps(told))
    whole = listed.with_name("databases.tar")
    with tarfile.open(whole, "w") as tar:
        for part in (listed, *parts.values()):
            tar.add(part, part.name)
    return whole


def placed(whole: Path, path: Path) -> Path:
    """Give a backup its name once it is on disk. A second one within the second gets a name of its own."""
    with whole.open("rb") as file:
        os.fsync(file.fileno())
    for number in range(1, 100):
        final = path.with_name(path.name + (f"-{number}" if number > 1 else "") + whole.suffix)
        try:
            os.link(whole, final)
        except FileExistsError:
            continue
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return final
    raise Failed(f"there are a hundred backups called {path}")


def restore(path: Path) -> None:
    """Restore a backup into the databases that it is of."""
    found = databases()
    with tempfile.TemporaryDirectory(prefix=f"{UNFINISHED}{os.getpid()}-", dir=path.resolve().parent) as name:
        room = Path(name)
        for alias, part in (unpacked(path, room) if tarfile.is_tarfile(path) else {of(path, found): path}).items():
            if alias not in found:
                raise Failed(f'{path} has a database "{alias}", and the project has none of that name')
            found[alias].load(part, room)


def unpacked(path: Path, room: Path) -> dict[str, Path]:
    """The files of a backup of several databases, by their aliases."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and Path(member.name).name == member.name:
                tar.extract(member, room)
    told: dict[str, dict[str, str]] = json.loads((room / LIST).read_text())
    return {alias: room / one["file"] for alias, one in told.items()}


def of(path: Path, found: Mapping[str, Database]) -> str:
    """Which of the databases a backup of one is of. Raises Failed where there is none of its kind, or several."""
    with path.open("rb") as file:
        head = file.read(16)
    fitting = [alias for alias, one in found.items() if head.startswith(one.begins)]
    if len(fitting) != 1:
        kinds = ", ".join(f"{alias} ({one.vendor})" for alias, one in found.items())
        raise Failed(f"which database {path} is of can't be told from its file; the project has {kinds}")
    return fitting[0]


def main(manage: str, verb: str, place: str) -> None:
    """Have manage.py set everything up as it always does, then do this in the place of its own."""
    path, folder = Path(place).absolute(), Path(manage).absolute().parent

    def ours(argv: object = None) -> None:
        try:
            if verb == "backup":
                print(backup(path))
            else:
                restore(path)
        except (Failed, OSError, sqlite3.Error, tarfile.TarError, DatabaseError) as problem:
            sys.exit(f"{verb}: {problem}")

    os.umask(0o077)
    os.chdir(folder)
    sys.path[0] = str(folder)
    management.execute_from_command_line = ours
    sys.argv = [str(folder / "manage.py"), verb]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
