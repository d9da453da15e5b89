"""Taking off a host what is Switchback's own of a site. Whatever the site needs to run stays, and is not touched."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

from agent.host.command import ANY_CODE, Runner, ours
from agent.host.files import alone_in
from agent.host.files import remove as remove_all
from agent.host.output import as_said, emit
from agent.host.reading import matching
from agent.host.users import acting_as
from agent.runs.deletion import DELETE, LIMIT
from agent.runs.install import delete_unused
from agent.sites.earlier import as_laid_out
from agent.state import LIBRARY, State, named_by
from agent.text.lines import lines_of
from agent.transaction.lock import agent_stays
from agent.transaction.transaction import describe_holder, open_transaction
from agent.versions.layout import UNITS, Layout, log_rotation, maintenance_page, nginx_site
from agent.words.facts import Removal
from agent.words.outcomes import Refused
from agent.words.requests import Remove
from agent.words.result import Result

EARLIER = "an earlier version of Switchback has laid out this host: run deploys/provision.py first, which takes it over"


def look(state: State, request: Remove) -> Removal:
    """What would go, what would stay, and why nothing can."""
    layout = Layout.of(request.settings)
    return Removal(_goes(state, layout), _stays(state, layout), _why_not(as_laid_out(state)))


def _why_not(state: State) -> str:
    if state.earlier:
        return EARLIER
    opened = open_transaction(state)
    return describe_holder(state, opened.deploy) if opened else ""


def _units(site: str) -> list[Path]:
    return [UNITS / f"switchback@{site}.path", UNITS / f"switchback@{site}.service"]


def _goes(state: State, layout: Layout) -> dict[str, str]:
    agent = named_by(state.agent)
    shared = agent and any(named_by(link) == agent for link in matching(state.base, "*/agent") if link != state.agent)
    found = {
        **{str(unit): "the unit of its runner" for unit in _units(state.site)},
        str(state.socket.parent): "its runner's socket",
        str(state.root): "journals and evidence of runs, the history, what is known of versions, notify's address",
        str(LIBRARY / (agent or "none")): "" if shared else "the agent, which no other site has",
        str(layout.own): "mirrors of the repositories, and what waits to be used again or deleted",
    }
    return {path: what for path, what in found.items() if what and os.path.lexists(path)}


def _stays(state: State, layout: Layout) -> dict[str, str]:
    """What is there of what Switchback has made, and the site needs, or a person may."""
    site, unit = state.site, layout.settings.systemd_service
    timers = [str(path) for path in matching(UNITS, f"switchback-schedule-*@{site}.*")]
    found = {
        str(layout.path("current_main")): "the live version; the other versions and links stay, too",
        str(UNITS / (unit if unit.endswith(".service") else f"{unit}.service")): "the service",
        str(layout.host_supervisord): "what it runs",
        **dict.fromkeys(timers, "what the live version runs at times"),
        str(state.secrets): "the site's secrets, which its processes read as they start",
        str(layout.path("backup_script").parent): "scripts",
        str(layout.home / "backups"): "backups: nobody deletes old ones any more",
        str(layout.home / "bin" / "manage"): "manage.py of the live version, for people and cron",
        str(nginx_site(site)): "the web server's file for the site",
        str(maintenance_page(site)): "the page for maintenance",
        str(log_rotation(site)): "how logs are rotated",
    }
    with acting_as(layout.app):
        shown = {path: what for path, what in found.items() if os.path.lexists(path)}
    return shown | {f"the users {layout.app} and {layout.settings.admin_username}": "with their keys, and sudo"}


def remove(state: State, request: Remove) -> Result:
    """Take it off. Done twice it does no more than done once: cut short, it is done again. Raises Refused."""
    layout, site = Layout.of(request.settings), as_laid_out(state)
    if not state.root.is_dir():
        # What is left of one that was cut short.
        _take_off(state, layout)
        return Result(True)
    with alone_in(state.base), agent_stays(site, but_for_us=True):
        if why := _why_not(site):
            raise Refused(f"nothing was removed: {why}")
        _take_off(state, layout)
    return Result(True)


def _take_off(state: State, layout: Layout) -> None:
    goes = _goes(state, layout)
    names = [unit.name for unit in _units(state.site)]
    # The first of them would start the other.
    for verb in (["disable", "--quiet", "--now"], ["stop"]):
        ours(["systemctl", *verb, *names], 60, ANY_CODE)
    _stop_tidying(state.site)
    for unit in _units(state.site):
        unit.unlink(missing_ok=True)
    ours(["systemctl", "daemon-reload"], 60)
    if str(layout.own) in goes:
        argv = ["sh", "-c", DELETE, "sh", str(layout.own)]
        Runner(layout.app, None, time.time() + LIMIT).run(argv)
    for folder in (state.socket.parent, state.root):
        if folder.is_dir():
            remove_all(folder)
    delete_unused(state.base)
    for folder in (state.socket.parent.parent, LIBRARY, state.base):
        # Another site may have something there.
        with contextlib.suppress(OSError):
            folder.rmdir()
    for path, what in goes.items():
        emit(as_said(f"removed: {path} ({what})"))


def _stop_tidying(site: str) -> None:
    """Stop what empties the trash of this site, which goes as a whole."""
    pattern = rf"switchback-tidy-{re.escape(site)}-\d+\.service"
    told = ours(["systemctl", "list-units", "--plain", "--no-legend", f"switchback-tidy-{site}-*"], 20, ANY_CODE)
    units = [line.split()[0] for line in lines_of(told) if re.match(pattern, line)]
    if units:
        ours(["systemctl", "stop", *units], 60, ANY_CODE)
