"""What the sites of a host may not share, and whether two of them do: what each uses, its own journals say."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from agent.host.reading import matching
from agent.host.users import acting_as, can_become
from agent.inside.lean import dataclass
from agent.inside.protocol import Database
from agent.service import systemd
from agent.service.obstacles import port_of
from agent.service.running import find_running
from agent.service.supervisor_config import Sections, Unreadable, config_in, programs, read_config
from agent.sites.earlier import sites_of
from agent.state import State
from agent.transaction.journal import Journal
from agent.transaction.progress import Progress
from agent.versions.layout import SUPERVISORD, Layout
from agent.words.journal import JournalUnreadable
from agent.words.notes import Checked
from agent.words.outcomes import Outcome
from agent.words.settings import Settings

PLACES = (
    "versions_dir",
    "deployment_dir",
    "current_main",
    "previous_main",
    "current_working",
    "previous_working",
    "current_venv_dir",
    "current_code",
)
# This host, as a database's address.
HERE = ("", "localhost", "127.0.0.1", "::1")
# There a web server may answer for all sites.
WEB_PORTS = (80, 443)
VENDORS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite", "oracle": "Oracle"}


class Reached(TypedDict):
    """Where a site is reached."""

    port: int
    website: str


@dataclass(frozen=True)
class Uses:
    """What a site uses of its host.

    + user: who runs its app; places: where its folders and links are, by their settings
    + config: what its supervisord reads; listens: the sockets of that, and of what it starts
    + port: the one of this host that its health is asked at; 0 where others may answer there as well
    + website: where its visitors come, without the scheme
    """

    site: str
    user: str
    places: dict[str, str]
    config: str = ""
    listens: tuple[str, ...] = ()
    port: int = 0
    databases: tuple[Database, ...] = ()
    website: str = ""


def clashes(own: Uses, others: Iterable[Uses]) -> list[str]:
    """What a site uses that is another one's, each with what to do. Pure."""
    return [f"{what} is the site {one.site}'s as well: {do}" for one in others for what, do in _clashes(own, one)]


def _clashes(own: Uses, other: Uses) -> Iterator[tuple[str, str]]:
    if own.user == other.user:
        # All the rest follows from that.
        yield f"the user {own.user}", "give this site a user of its own (app_username)"
        return
    for key, path in own.places.items():
        if path in other.places.values():
            yield f"{key} {path}", f"give this site one of its own ({key})"
    if own.config and own.config == other.config:
        yield f"supervisord's config {own.config}", "have this site's service start a supervisord with one of its own"
    for address in own.listens:
        if address in other.listens:
            yield f"supervisord's socket {address}", "write another one into this site's supervisord.conf"
    if own.port and own.port == other.port:
        yield (
            f"port {own.port} of health_url",
            f"write another one into health_url, as in http://127.0.0.1:{own.port + 1}/ (and into supervisord.conf, "
            "where that is this site's own)",
        )
    if own.website and own.website == other.website:
        # Its visitors would get the other's pages, and so would the proof that it is up.
        yield f"the address {own.website} of website_url", "give this site a name or a port of its own (website_url)"
    theirs = {_which(one) for one in other.databases}
    for database in own.databases:
        if _which(database) in theirs:
            vendor = VENDORS.get(database.vendor, database.vendor)
            yield (
                f"the database {database.name} ({vendor})",
                f"create one of this site's own, and name it in DATABASES ({database.alias}); the server may be shared",
            )


def _which(database: Database) -> tuple[str, str, str, str]:
    host, _, port = database.server.rpartition(":")
    return database.vendor, "" if host in HERE or host.startswith("/") else host, port, database.name


def with_others(
    state: State, settings: Settings, version: str | None = None, databases: Iterable[Database] | None = None
) -> list[str]:
    """What a site of this host uses, or is to use, that is another one's: each with what to do.

    + version: one that is to be live; what is live now unless it is given
    + databases: that version's; those that it is known to use unless they are given
    """
    others = [uses for one in sites_of(state.base) if one.site != state.site for uses in _recorded(one)]
    if not others:
        return []
    known = last_databases(state) if databases is None else databases
    if not can_become(settings.app_username):
        # What is below that user's home is not there either.
        return clashes(Uses(state.site, settings.app_username, {}, **_reached(settings)), others)
    return clashes(_uses(state.site, Layout.of(settings), version, known), others)


def last_databases(state: State) -> tuple[Database, ...]:
    """The databases that a site uses, by the last of its runs that has gone well or goes on."""
    for progress in _newest(state):
        if progress.outcome in (None, Outcome.COMMITTED):
            databases = progress.note(Checked).databases
            if databases:
                return databases
    return ()


def _recorded(state: State) -> Iterator[Uses]:
    """What a site uses, by its own journals; its user alone where it has none; nothing where it is gone."""
    begun = next((progress.begun for progress in _newest(state) if progress.begun), None)
    unit = begun.settings.systemd_service if begun else f"{state.site}.service"
    if systemd.unit_property(unit, "LoadState") == "not-found":
        return
    if begun is None:
        yield Uses(state.site, systemd.unit_property(unit, "User"), {})
        return
    try:
        layout = Layout.of(begun.settings)
    except KeyError:
        # Its user is gone.
        return
    yield _uses(state.site, layout, None, last_databases(state))


def _newest(state: State) -> Iterator[Progress]:
    folders = matching(state.transactions, "*")
    for folder in sorted(folders, key=lambda path: path.name, reverse=True):
        try:
            yield Journal(folder).progress
        except JournalUnreadable:
            continue


def _uses(site: str, layout: Layout, version: str | None, databases: Iterable[Database]) -> Uses:
    named, sections = _supervisord(layout, version)
    with acting_as(layout.app):
        config, *places = (_real(path) for path in (named, *map(layout.path, PLACES)))
    return Uses(
        site,
        layout.app,
        dict(zip(PLACES, places)),
        config,
        tuple(_listens(sections, named)),
        databases=tuple(databases),
        **_reached(layout.settings),
    )


def _reached(settings: Settings) -> Reached:
    """Where a site is reached, by its settings."""
    port, website = port_of(settings.health_url), urlsplit(settings.website_url)
    return {
        "port": 0 if port in WEB_PORTS else port,
        "website": f"{website.hostname}:{port_of(settings.website_url)}{website.path.rstrip('/')}",
    }


def _real(path: Path) -> str:
    """Where a path is, without where it leads if it is a link itself."""
    return os.path.join(os.path.realpath(str(path.parent)), path.name)


def _supervisord(layout: Layout, version: str | None) -> tuple[Path, Sections]:
    """The config that its supervisord is started with, and what that says; nothing where nobody can read it."""
    named = layout.path("deployment_dir") / SUPERVISORD
    with contextlib.suppress(Unreadable, OSError):
        running = find_running(layout)
        named = Path(running.named)
        if version is None:
            return named, running.sections
    try:
        config = config_in(layout, str(named), layout.part(version, "config")) if version else named
        return named, read_config(config, layout.app)
    except (Unreadable, OSError):
        return named, {}


def _listens(sections: Sections, named: Path) -> Iterator[str]:
    found = [sections.get("unix_http_server", {}).get("file"), sections.get("inet_http_server", {}).get("port")]
    for text in [*found, *(program.address for program in programs(sections).values())]:
        address = (text or "").replace("%(here)s", str(named.parent))
        # What else is filled in there, supervisord alone knows.
        if address and "%(" not in address and not address.startswith("~"):
            yield address
