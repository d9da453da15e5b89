"""Looking at a host: everything that a run needs to know of it, in one go, changing nothing."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.database import restoring
from agent.environment.secrets import to_change
from agent.environment.variables import conceal, live
from agent.host.command import CommandFailed, Runner
from agent.host.parallel import Beside
from agent.host.reading import matching
from agent.host.users import PATH, can_become
from agent.look import access, heads, needs, web
from agent.look.lineage import lineage
from agent.look.postgresql import postgresql
from agent.look.python import makes_venv, python_of, why_none
from agent.notify import telling
from agent.record.past import bounded_run, open_run
from agent.repository import git
from agent.repository.git import UnknownRef
from agent.restart.mode import goes_unnoticed, obstacles_to_rolling, refusal_of_config
from agent.schedule.timers import Timers, times_problems
from agent.service import health, in_the_way, systemd
from agent.service.running import running_config
from agent.shared.looks import state as state_of_shared
from agent.sites.earlier import agent_of
from agent.sites.shared import with_others
from agent.state import State, installed_agent
from agent.text.masking import masked_urls
from agent.transaction import bounds
from agent.versions import hotfixes, written
from agent.versions.layout import AUTO, Layout
from agent.versions.marks import linked_versions, list_versions
from agent.words.facts import (
    Disk,
    FoundRef,
    Health,
    HostFacts,
    Link,
    Linked,
    Restore,
    Script,
    Site,
    Wanted,
)
from agent.words.needs import Heads, Needs
from agent.words.requests import Ref, Survey

# How long reading one thing may take, seconds.
LIMIT = 60.0
HISTORY_LINES = 100
SCRIPTS = ("backup_script", "maintenance_start_script", "maintenance_stop_script", "restore_script")


def survey(state: State, request: Survey) -> HostFacts:
    """Read a host."""
    conceal(state, also=request.secrets)
    settings = request.settings
    site = _site(state, Layout.of(settings), request) if can_become(settings.app_username) else None
    python = python_of(settings)
    return HostFacts(
        agent=agent_of(state),
        hears=installed_agent(state) is not None,
        admin=can_become(settings.admin_username),
        service=systemd.unit_properties(settings.systemd_service).get("LoadState"),
        git=shutil.which("git") is not None,
        uv=shutil.which("uv") is not None,
        ssh=shutil.which("ssh") is not None,
        logrotate=shutil.which("logrotate", path=PATH) is not None,
        python=python.path if not python.by_uv else None,
        no_python=why_none(python),
        transaction=open_run(state),
        now=time.time(),
        clashes=tuple(with_others(state, settings)),
        postgresql=postgresql(settings.app_username) if request.postgresql else None,
        web=web.web(settings, Path(site.home) if site else None) if request.written or request.needs else None,
        site=site,
    )


def _site(state: State, layout: Layout, request: Survey) -> Site:
    """What can only be read once the app user exists."""
    runner = Runner(user=layout.app, log=None, until=time.time() + LIMIT)
    linked = Linked(**linked_versions(layout))
    current = linked.current
    used = systemd.versions_in_use(layout.settings.systemd_service, layout.app, layout.versions)
    versions, runs = list_versions(state, layout, used), bounds.past_runs(state)
    history = tuple(bounded_run(run) for run in runs[-HISTORY_LINES:])
    # Read once: it may change while it is looked at.
    running = running_config(layout)
    in_app = replace(runner, also=_environment(state, layout, current))
    # These wait for others: the app, and a repository that may be far away.
    health_of = Beside(partial(_health, layout, current))
    by_hand = Beside(partial(_hotfixes, runner, layout, current if request.hotfixes else None))
    commits = {part: Beside(partial(_resolve, runner, layout, part, one)) for part, one in request.refs.items()}
    website = Beside(partial(needs.website, layout)) if request.needs else None
    database = Beside(partial(needs.database, in_app, layout, current, history)) if request.needs else None
    notify = layout.settings.notify if request.needs else None
    unreachable = Beside(partial(telling.unreachable, state, layout, notify)) if notify else None
    refs = {part: one.found() for part, one in commits.items()}
    tried = None
    if website and database:
        told = _heads(runner, layout, request.refs, refs)
        tried = Needs(
            website=website.found(),
            database=database.found(),
            in_the_way=needs.about_start_and_end(layout, current, running),
            heads=told if isinstance(told, Heads) else None,
            unread=told if isinstance(told, str) else "",
        )
    reads, unnoticed = request.written or request.needs, goes_unnoticed(layout)
    return Site(
        home=str(layout.home),
        versions_dir=_kind(layout.path("versions_dir")),
        deployment_dir=_kind(layout.path("deployment_dir")),
        main={word: str(link) for word, link in layout.main_links().items()},
        fixed={str(link): str(target) for link, target in layout.fixed_links().items()},
        links={str(link): _link(link) for link in _every_link(layout)},
        linked=linked,
        deployment=_deployment(layout, current),
        scripts={key: script for key in SCRIPTS if (script := _script(layout, key))},
        restore=Restore(
            usual=str(layout.usual_restore_script),
            there=os.path.lexists(str(layout.usual_restore_script)),
            provisioned=bounds.backs_up_as_provisioned(layout),
        ),
        versions=tuple(versions),
        lineage=tuple(lineage(runs)),
        history=history,
        disk=_disk(layout),
        health=health_of.found(),
        kept=bounds.how_much(state, layout, runs),
        hotfixes=by_hand.found(),
        refs=refs,
        unnoticed=unnoticed,
        rolling=tuple(obstacles_to_rolling(layout, current, unnoticed)),
        by_a_link=tuple(in_the_way.by_a_link(layout, running or {})),
        written=written.texts(layout) if reads else {},
        programs_need=in_the_way.stops_within(running) if reads and running is not None else None,
        supervisord=refusal_of_config(layout),
        makes_venv=makes_venv(layout),
        logs=in_the_way.logs(layout) if request.starts else (),
        wheelhouse=os.path.isdir(layout.settings.wheelhouse or ""),
        needs=tried,
        group=grp.getgrgid(pwd.getpwnam(layout.app).pw_gid).gr_name,
        access=access.access(runner, layout.app, layout.home, request.servers) if request.written else None,
        secrets=to_change(state, request.secrets),
        unlaunched=in_the_way.unlaunched(running or {}),
        shared=tuple(state_of_shared(layout)) if request.needs else (),
        times=times_problems(layout.settings.schedule),
        timers=Timers(state, layout, single=True).wrong(current) if request.needs else {},
        others_timers=Timers(state, layout, single=False).wrong(current) if request.needs else {},
        failed_at_times=tuple(Timers(state, layout, single=True).failed(current)) if request.needs else (),
        untold=telling.untold(state, runs),
        unreachable=unreachable.found() if unreachable else "",
    )


def _environment(state: State, layout: Layout, current: str | None) -> Mapping[str, str]:
    """The environment of the live version; none where it can't be read, as whoever needs it says."""
    try:
        return live(state, layout, current) if current else {}
    except (OSError, ValueError):
        return {}


def _heads(
    runner: Runner, layout: Layout, asked: Mapping[str, Ref], refs: Mapping[str, FoundRef]
) -> Heads | str | None:
    shas = {part: ref.sha for part, ref in refs.items() if ref.sha}
    return heads.heads(runner, layout, asked, shas) if asked and len(shas) == len(asked) else None


def _kind(path: Path) -> str:
    """What is at a path."""
    if path.is_symlink():
        return "link"
    return "folder" if path.is_dir() else "file" if path.exists() else "missing"


def _every_link(layout: Layout) -> list[Path]:
    folder = layout.path("deployment_dir")
    laid = [path for path in matching(folder, "*") if path.is_symlink()]
    return [*layout.main_links().values(), *layout.fixed_links(), *laid]


def _link(path: Path) -> Link:
    kind = _kind(path)
    return Link(
        kind=kind,
        resolved=os.path.realpath(str(path)),
        target=os.readlink(str(path)) if kind == "link" else "",
        leads=os.path.exists(str(path)),
    )


def _deployment(layout: Layout, current: str | None) -> dict[str, Wanted]:
    """What each name of the deployment directory has to lead to while a version is live."""
    if current is None:
        return {}
    links = layout.deployment_links(layout.part(current, "config"))
    return {str(link): Wanted(str(target), os.path.realpath(str(target))) for link, target in links.items()}


def _script(layout: Layout, key: str) -> Script | None:
    path = layout.optional_path(key)
    if getattr(layout.settings, key) == AUTO and restoring.is_usual(layout):
        path = layout.usual_restore_script
    if path is None:
        return None
    return Script(str(path), exists=path.is_file(), executable=_may_run(layout.app, path))


def _may_run(user: str, path: Path) -> bool:
    """Whether a user may run a file: what access(2) would say, for somebody else."""
    try:
        info = path.stat()
    except OSError:
        return False
    entry = pwd.getpwnam(user)
    groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
    if info.st_uid == entry.pw_uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid in groups:
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)


def _disk(layout: Layout) -> Disk:
    folder = layout.versions if layout.versions.is_dir() else layout.home
    room = os.statvfs(str(folder))
    # A file system that makes them as it goes has none to count.
    return Disk(room.f_bavail * room.f_frsize, room.f_favail if room.f_files > 0 else None)


def _health(layout: Layout, current: str | None) -> Health:
    if current is None:
        return Health("no version is live")
    problem = health.app_problem(layout, current, timeout=5.0)
    pids = [process.pid for process in systemd.processes(layout.settings.systemd_service, layout.versions)]
    return Health(problem, tuple(pids))


def _hotfixes(runner: Runner, layout: Layout, current: str | None) -> dict[str, tuple[str, ...]]:
    if current is None:
        return {}
    try:
        return {part: tuple(lines) for part, lines in hotfixes.find(runner, layout, current).items()}
    except CommandFailed as problem:
        return {"unreadable": (str(problem),)}


def _resolve(runner: Runner, layout: Layout, part: str, asked: Ref) -> FoundRef:
    """The commit that a ref stands for."""
    try:
        return FoundRef(asked.ref, git.resolve(runner, asked.url, asked.ref, layout.own / (part + ".git")))
    except (UnknownRef, CommandFailed) as problem:
        unreachable = not isinstance(problem, UnknownRef)
        return FoundRef(asked.ref, problem=masked_urls(str(problem)), unreachable=unreachable)
