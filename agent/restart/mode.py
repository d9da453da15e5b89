"""How the service gets from one version to another: its processes one by one, or all at once, and why."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from agent.host.reading import beginning_of
from agent.host.users import acting_as
from agent.service.obstacles import KNOWN, as_another, cuts, is_users, obstacles, web_program
from agent.service.running import find_running
from agent.service.supervisor import Refusal, Supervisor
from agent.service.supervisor_config import (
    Sections,
    Unreadable,
    compare,
    config_in,
    group_of,
    package_of,
    read_config,
)
from agent.transaction.step import StepFailed
from agent.versions.layout import SUPERVISORD, Layout
from agent.words.seen import RestartMode
from agent.words.settings import restarts

# How a supervisord config of our own begins, by which it is known, whatever a person has changed in it since; and how
# much of one is read for that, bytes.
SIGN, BEGINNING = "; How supervisord runs the app", 1024


def decide_restart_mode(layout: Layout, was: str | None, version: str, config: Path | None = None) -> RestartMode:
    """Decide how the service gets from one version to another.

    + config: the directory of the config to come, where the version isn't built yet
    """
    if layout.settings.restart != "rolling":
        return RestartMode("restart", interrupts=True)
    try:
        found = _rolls(layout, was, version, config)
    except (Unreadable, StepFailed) as problem:
        found = str(problem)
    return RestartMode("restart", interrupts=True, why=found) if isinstance(found, str) else found


def _rolls(layout: Layout, was: str | None, version: str, config: Path | None) -> RestartMode | str:
    """How the processes are replaced one by one; a sentence where they can't be."""
    if was is None:
        return "no version was live before"
    running = find_running(layout)
    before, after = (
        read_config(config_in(layout, running.named, folder), layout.app)
        for folder in (layout.part(was, "config"), config or layout.part(version, "config"))
    )
    for name, sections in ((was, before), (version, after)):
        found = _obstacles(layout, sections)
        if found:
            return f"the supervisord config of {name} does not allow it:\n" + "\n".join(found)
    release, wanted = str(running.supervisor.ask("getSupervisorVersion")), package_of(layout.part(version, "venv"))
    if wanted and wanted != f"supervisor-{release}":
        return f"supervisord itself changes, from {release} to {wanted.partition('-')[2]}"
    change = compare(before, after)
    if change.whole:
        return f"[{'], ['.join(change.whole)}] of supervisord's config change, which only a start of supervisord reads"
    # What was edited in place since supervisord has read it, as the host's own config may be, is taken over with it.
    edited = (group for groups in running.supervisor.reread() for group in groups)
    groups = sorted({*change.groups, *edited})
    web = web_program(after, layout.settings.health_url)
    together = bool(web and group_of(web.name, after) in groups)
    why = f"supervisord's config of {', '.join(groups)} changes" if groups else ""
    # With whichever is the server that is left.
    cut = "" if together else cuts(before, layout.settings.health_url)
    return RestartMode("rolling", together, "; ".join(filter(None, (why, cut))), tuple(groups))


def _obstacles(layout: Layout, sections: Sections) -> list[str]:
    config, venv = layout.path("current_config"), layout.path("current_main") / layout.settings.venv_subdir
    found = obstacles(sections, layout.settings.health_url, str(layout.home), str(config), str(venv))
    web = web_program(sections, layout.settings.health_url)
    # Nobody writes into a config that is made of what the project and the settings say.
    if web is None and layout.settings.made_config:
        return [f"what `web` names can't be handed a socket, as {KNOWN} can: write one of these in processes"]
    if web and web.count < 2 and layout.settings.made_config:
        return ["web has one process, and nobody serves while it is replaced: take its count out of processes"]
    return found if web is None or is_users(web, layout.app) else [*found, as_another(web, layout.app)]


def goes_unnoticed(layout: Layout) -> bool:
    """Whether the app is run by a supervisord config of our own, with which processes can be replaced one by one.

    That is what is done then unless the settings say otherwise.
    """
    used = layout.path("deployment_dir") / SUPERVISORD
    try:
        with acting_as(layout.app):
            # Before the first deploy nothing leads to it yet.
            config = os.path.realpath(str(used if os.path.lexists(str(used)) else layout.host_supervisord))
            return beginning_of(Path(config), BEGINNING).startswith(SIGN)
    except OSError:
        return False


def obstacles_to_rolling(layout: Layout, current: str | None, unnoticed: bool) -> list[str]:
    """What keeps the live version's processes from being replaced one by one; empty when nothing does.

    + unnoticed: whether they are to be, unless the settings say otherwise
    """
    if current is None or restarts(layout.settings.restart, unnoticed) != "rolling":
        return []
    layout = replace(layout, settings=replace(layout.settings, restart="rolling"))
    try:
        running = find_running(layout)
        sections = read_config(config_in(layout, running.named, layout.part(current, "config")), layout.app)
        found = _obstacles(layout, sections)
        if not found:
            running.supervisor.ask("getState")
    except (Unreadable, StepFailed) as problem:
        found = [str(problem)]
    return found


def refusal_of_config(layout: Layout) -> str | None:
    """Why supervisord would not start with the host's own config as it is now; None where it would, or has another."""
    own, used = layout.host_supervisord, layout.path("deployment_dir") / SUPERVISORD
    if not own.is_file() or os.path.realpath(str(used)) != os.path.realpath(str(own)):
        return None
    try:
        Supervisor(read_config(own, layout.app), layout.app).reread()
    except (Unreadable, Refusal) as problem:
        return str(problem)
    except StepFailed:
        # It does not run, so that nobody can say.
        return None
    return None
