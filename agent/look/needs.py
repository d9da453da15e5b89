"""What a deploy needs besides the host's own layout, tried as the user who needs it: the database, and the
website."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent.database import backup_of
from agent.django import foresight
from agent.django.manage import said_in
from agent.host.command import CommandFailed, Runner
from agent.host.files import remove
from agent.host.http import ask
from agent.host.reading import beginning_of, open_ordinary
from agent.host.reading import names as names_in
from agent.host.users import acting_as
from agent.inside import protocol
from agent.inside.protocol import About, StaticPlace
from agent.migrations.names import labels
from agent.service import in_the_way, startable
from agent.service.supervisor_config import Sections
from agent.text.lines import bounded, cut, lines_of
from agent.text.masking import masked_message
from agent.text.tracebacks import reason
from agent.transaction.bounds import backs_up_as_provisioned
from agent.versions.layout import Layout
from agent.versions.marks import NAME, read_seal
from agent.visitors import served
from agent.words.history import PastRun
from agent.words.needs import (
    BackupScript,
    Database,
    Databases,
    InTheWay,
    LiveApp,
    StaticFound,
    Stops,
)

# How long one question to a database may take, seconds, and one to the app's own Django.
ANSWER = 10.0
DJANGO = 30.0
# How much of a script is read, bytes.
SCRIPT = 64 * 1024
# This host, as a database's address.
HERE = ("", "localhost", "127.0.0.1", "::1")
# What provision's backup script takes for each kind of database, the first of these that is there.
TOOLS = {"postgresql": ("pg_dump",), "mysql": ("mariadb-dump", "mysqldump")}
# How provision's backup script says which database it backs up, and how a person would.
DATABASE = re.compile(r"""^database=["']?(\$\{DATABASE:-\$\(id -un\)\}|[\w.-]+)["']?\s*$""", re.MULTILINE)


def website(layout: Layout) -> str | None:
    """Ask the website once, as a visitor would. Returns what is wrong with its answer."""
    return ask(layout.settings.website_url, {}, layout.settings.site_status, ANSWER)


def database(runner: Runner, layout: Layout, current: str | None, history: Sequence[PastRun]) -> Databases:
    """Ask for the app's databases as the live version knows them, and for those that are backed up.

    + history: the last runs
    """
    asked = _asked_of_app(runner, layout, current) if current else None
    app = asked if isinstance(asked, LiveApp) else None
    last = next((run.backup for run in reversed(history) if run.backup), None)
    databases = list(app.databases.values()) if app else []
    return Databases(
        script=_script(runner, layout),
        app=app,
        unasked=asked if isinstance(asked, str) else "",
        backup=_of_another(runner, layout, Path(last), databases) if last and databases else None,
        tools=_lacking(app.databases) if app and backs_up_as_provisioned(layout) else {},
    )


def _lacking(databases: Mapping[str, Database]) -> dict[str, str]:
    """The tool that each database is backed up with, where the host has none."""
    needed = {alias: TOOLS.get(one.vendor, ()) for alias, one in databases.items()}
    return {alias: names[0] for alias, names in needed.items() if names and not any(map(shutil.which, names))}


def _of_another(runner: Runner, layout: Layout, path: Path, databases: Sequence[Database]) -> str | None:
    """Why the last backup is not of one of these databases; None where it is, or where its file does not tell."""
    try:
        with acting_as(layout.app), open_ordinary(path) as file:
            head = backup_of.head_of(file)
        listed = runner.run(["pg_restore", "--list", "--", str(path)]) if head.startswith(b"PGDMP") else ""
    except (OSError, CommandFailed):
        # It may be deleted by now, or elsewhere.
        return None
    problem = backup_of.of_another(
        backup_of.told_by(head, listed),
        [protocol.Database("", one.vendor, one.name, one.name, empty=False) for one in databases],
    )
    return f"{path}: {problem}" if problem else None


def _script(runner: Runner, layout: Layout) -> BackupScript | None:
    """The database that the backup script backs up, as far as that can be read from it; None where nothing can."""
    path = layout.path("backup_script")
    try:
        with acting_as(layout.app):
            text = beginning_of(path, SCRIPT)
    except OSError:
        return None
    if not re.search(r"^[^#\n]*\bpg_dump\b", text, re.MULTILINE):
        return None
    named = DATABASE.search(text)
    name = None if named is None else layout.app if named.group(1).startswith("$") else named.group(1)
    return BackupScript(name, _refused(runner, name) if name else None)


def _refused(runner: Runner, name: str) -> str | None:
    """Why the app's user can't connect to a PostgreSQL database."""
    argv = [
        "psql",
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--tuples-only",
        "--command",
        "SELECT 1",
        "--dbname",
        name,
    ]
    try:
        replace(runner, until=time.time() + ANSWER).run(argv)
    except CommandFailed as problem:
        return first_words(problem)
    except OSError:
        return "psql and pg_dump are not installed: apt install postgresql-client"
    return None


def first_words(problem: CommandFailed) -> str:
    """What a program has said, as one line: of a database's error the first line is the one that helps."""
    said = [line.strip() for line in lines_of(problem.output) if line.strip()]
    return masked_message(cut(said[0], 300)) if said else str(problem.args[0])


def _asked_of_app(runner: Runner, layout: Layout, current: str) -> LiveApp | str:
    """What the live version says of itself; a sentence where it can't be asked."""
    with room_of(runner) as room:
        foresight.lay_out(runner, room)
        config = layout.part(current, "config")
        python = layout.part(current, "venv") / "bin" / "python"
        argv = [str(python), str(room / foresight.SHIM), str(config / "manage.py"), "about"]
        try:
            output = replace(runner, until=time.time() + DJANGO).run(argv, cwd=config, env=foresight.NO_BYTECODE)
            found = said_in(output, About, "our question")
        except CommandFailed as problem:
            return masked_message(cut(reason(problem.output), 300)) or str(problem.args[0])
        except OSError as problem:
            return str(problem)
    places = layout.once_live(current)
    folder = os.path.realpath(str(layout.version(current))) + "/"

    def inside(path: str) -> bool:
        with acting_as(layout.app):
            return (os.path.realpath(startable.led(path, places)) + "/").startswith(folder)

    databases = {
        alias: Database(
            one.vendor,
            one.name,
            one.host,
            problem=masked_message(bounded(one.problem, 300, 300)),
            elsewhere=not (one.host in HERE or one.host.startswith("/")),
            inside=one.vendor == "sqlite" and inside(one.name),
        )
        for alias, one in found.databases.items()
    }
    unknown = [one for one in found.unknown if one[:2] not in _in_versions(layout)]
    return LiveApp(
        databases,
        looked_for(layout, current, found.static),
        uploads_inside=tuple(sorted({path for path in found.uploads.values() if inside(path)})),
        unknown=bounded(labels(unknown), 500, 500),
    )


def _in_versions(layout: Layout) -> set[tuple[str, ...]]:
    """The migrations that the versions on the host have."""
    with acting_as(layout.app):
        names = [name for name in names_in(layout.versions) if NAME.match(name)]
        seals = [read_seal(layout.version(name)) for name in names]
    return {name for seal in seals for name in seal.migrations or ()}


def about_start_and_end(layout: Layout, current: str | None, running: Sections | None) -> InTheWay:
    """Look for what would be in the way of the app's next start, or of its end.

    + running: the config of the supervisord that runs; None where none does
    """
    sections = running or {}
    return InTheWay(
        logs=tuple(in_the_way.unwritable_logs(layout, sections)),
        foreign=in_the_way.foreign(layout, current) if current else None,
        stops=Stops(in_the_way.stop_limit(layout), in_the_way.stops_within(sections), in_the_way.slowest(sections)),
    )


def looked_for(layout: Layout, current: str, told: StaticPlace | None) -> StaticFound:
    """What the live version's settings say of its static files: what a build would refuse, and what is worth knowing.

    + told: none where the app has no static files
    """
    if not told:
        return StaticFound()
    if told.kept_by:
        return StaticFound(notices=(f"static files are kept by {told.kept_by}: not asked for",))
    other = served.other_host(layout, told.url or "")
    notices = (f"static files are served by {other}: not asked for",) if other else ()
    place = told.looked_for_in
    with acting_as(layout.app):
        where = served.once_live(place, layout.once_live(current)) if place else ""
        if not (place or told.read) or (where and served.is_led(layout, current, where)):
            return StaticFound(notices=notices)
    is_there, right, line = served.place_words(layout, place)
    says = f"{is_there} lead to the live version's static files"
    if told.read:
        return StaticFound(f"{says}, and the app itself reads them there: a build is refused; write {line}", notices)
    return StaticFound(notices=(*notices, f"{says}: the web server has to serve {right}; better write {line}"))


@contextlib.contextmanager
def room_of(runner: Runner) -> Iterator[Path]:
    """A folder of the runner's user that is gone afterwards."""
    user = runner.user or "root"
    with acting_as(user):
        room = Path(tempfile.mkdtemp(prefix="switchback-"))
    try:
        yield room
    finally:
        with acting_as(user), contextlib.suppress(OSError):
            remove(room)
