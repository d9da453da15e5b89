"""Looking at a host: everything that a run needs to know of it, in one go, changing nothing."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

from agent.database import restoring
from agent.host.command import CommandFailed, Runner
from agent.host.files import read_lines
from agent.host.parallel import at_once
from agent.host.users import can_become
from agent.look import heads, needs
from agent.repository import git
from agent.repository.git import UnknownRef
from agent.restart.mode import obstacles_to_rolling, refusal_of_config
from agent.service import health, in_the_way, systemd
from agent.service.running import running_config
from agent.state import State, installed_agent
from agent.text.lines import bounded_values
from agent.text.masking import masked_urls
from agent.transaction import bounds
from agent.transaction.transaction import describe_holder, open_transaction
from agent.versions import hotfixes, written
from agent.versions.layout import AUTO, Layout
from agent.versions.lineage import lineage
from agent.versions.marks import linked_version, linked_versions, list_versions

# How long reading one thing may take, seconds.
LIMIT = 60.0
HISTORY_LINES = 100
SCRIPTS = ("backup_script", "maintenance_start_script", "maintenance_stop_script", "restore_script")

Facts = dict[str, Any]


def survey(state: State, request: Facts) -> Facts:
    """Read a host.

    + request: `settings`; `refs`: code and config to resolve, with their URLs; `hotfixes`: whether to look for them;
      `needs`: whether to try what else a deploy needs; `written`: whether to read the files that provision writes,
      which `needs` does too; `starts`: whether to look for what would keep the service from starting again
    """
    settings, history = request["settings"], read_lines(state.history)
    facts: Facts = {
        "agent": installed_agent(),
        "root": os.geteuid() == 0,
        "users": {key: can_become(settings[key]) for key in ("app_username", "admin_username")},
        "unit": systemd.unit_properties(settings["systemd_service"]),
        "tools": {name: shutil.which(name) for name in ("git", "uv", "systemctl", settings["python"])},
        "transaction": _transaction(state),
        "history": bounded_values(history[-HISTORY_LINES:]),
        "lineage": lineage(history),
        "now": time.time(),
    }
    if facts["users"]["app_username"]:
        facts.update(_app(state, Layout.of(settings), request))
    return facts


def _app(state: State, layout: Layout, request: Facts) -> Facts:
    """What can only be read once the app user exists."""
    runner = Runner(user=layout.app, log=None, until=time.time() + LIMIT)
    current = linked_version(layout, layout.path("current_main"))
    used = systemd.versions_in_use(layout.settings["systemd_service"], layout.app, layout.versions)
    versions = list_versions(state, layout, used)
    asked = request.get("refs") or {}
    tried: dict[str, Any] = {}
    if request.get("needs"):
        tried = {
            "website": partial(needs.website, layout.settings),
            "database": partial(needs.database, runner, layout, current, read_lines(state.history)[-HISTORY_LINES:]),
        }
    reads = request.get("written") or request.get("needs")
    # Read once: it may change while it is looked at.
    running = running_config(layout)
    # These wait for others: the app, and a repository that may be far away.
    waits = at_once(
        {
            "healthy": partial(_health, layout, current),
            "hotfixes": partial(_hotfixes, runner, layout, current if request.get("hotfixes") else None),
            **{part: partial(_resolve, runner, layout, part, one) for part, one in asked.items()},
            **tried,
        }
    )
    if tried:
        known = len(asked) == 2 and all(waits[part]["sha"] for part in asked)
        tried = {name: waits[name] for name in tried}
        tried["in_the_way"] = in_the_way.look(layout, current, running)
        tried["heads"] = heads.heads(runner, layout, asked, waits) if known else None
    return {
        "home": str(layout.home),
        "deployment_path": str(layout.path("deployment_dir")),
        "folders": {key: _folder(layout.path(key)) for key in ("versions_dir", "deployment_dir")},
        "links": {str(link): _link(link) for link in _every_link(layout)},
        "linked": linked_versions(layout),
        "fixed": {str(link): str(target) for link, target in layout.fixed_links().items()},
        "deployment": _deployment(layout, current),
        "scripts": {key: _script(layout, key) for key in SCRIPTS},
        "restore": {
            "usual": str(layout.usual_restore_script),
            "there": os.path.lexists(str(layout.usual_restore_script)),
            "provisioned": bounds.backs_up_as_provisioned(layout),
        },
        "versions": versions,
        "disk": _disk(layout),
        "healthy": waits["healthy"],
        "hotfixes": waits["hotfixes"],
        "refs": {part: waits[part] for part in asked},
        "needs": tried,
        "rolling": obstacles_to_rolling(layout, current),
        "by_a_link": in_the_way.by_a_link(layout, running or {}),
        "written": written.texts(layout) if reads else {},
        "programs_need": in_the_way.stops_within(running) if reads and running is not None else None,
        "supervisord": refusal_of_config(layout),
        "makes_venv": _makes_venv(layout),
        "kept": bounds.how_much(state, layout, read_lines(state.history)),
        "logs": in_the_way.logs(layout) if request.get("starts") else [],
        "wheelhouse": layout.settings.get("wheelhouse") and os.path.isdir(layout.settings["wheelhouse"]),
    }


def _makes_venv(layout: Layout) -> bool:
    """Whether a build can make a virtual environment."""
    if shutil.which("uv", path=f"/usr/local/bin:/usr/bin:/bin:{layout.home / '.local/bin'}"):
        return True
    python = shutil.which(str(layout.settings["python"]))
    argv = [python or "", "-I", "-c", "import ensurepip, venv"]
    # Without a Python at all, that is what is missing.
    return python is None or subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False).returncode == 0


def _transaction(state: State) -> Facts | None:
    open_one = open_transaction(state)
    if open_one is None:
        return None
    progress = open_one.progress
    return {
        "deploy": open_one.deploy,
        "says": describe_holder(state, open_one.deploy),
        "outcome": progress.outcome,
        "step": progress.step,
        "deadline": progress.deadline,
        "kind": progress.begin.get("kind"),
    }


def _folder(path: Path) -> str:
    if path.is_symlink():
        return "link"
    return "folder" if path.is_dir() else "file" if path.exists() else "missing"


def _every_link(layout: Layout) -> list[Path]:
    folder = layout.path("deployment_dir")
    laid = [path for path in sorted(folder.iterdir()) if path.is_symlink()] if folder.is_dir() else []
    return [*layout.main_links().values(), *layout.fixed_links(), *laid]


def _link(path: Path) -> Facts:
    kind = "link" if path.is_symlink() else _folder(path)
    return {
        "kind": kind,
        "target": os.readlink(str(path)) if kind == "link" else None,
        "leads": os.path.exists(str(path)),
        "resolved": os.path.realpath(str(path)),
    }


def _deployment(layout: Layout, current: str | None) -> dict[str, Facts]:
    """What each name of the deployment directory has to lead to while a version is live."""
    if current is None:
        return {}
    links = layout.deployment_links(layout.part(current, "config"))
    return {
        str(link): {"target": str(target), "resolved": os.path.realpath(str(target))} for link, target in links.items()
    }


def _script(layout: Layout, key: str) -> Facts | None:
    path = layout.optional_path(key)
    if layout.settings.get(key) == AUTO and restoring.is_usual(layout):
        path = layout.usual_restore_script
    if path is None:
        return None
    return {"path": str(path), "exists": path.is_file(), "executable": _may_run(layout.app, path)}


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


def _disk(layout: Layout) -> Facts:
    folder = layout.versions if layout.versions.is_dir() else layout.home
    room = os.statvfs(str(folder))
    return {"free": room.f_bavail * room.f_frsize, "inodes": room.f_favail, "has_inodes": room.f_files > 0}


def _health(layout: Layout, current: str | None) -> Facts:
    if current is None:
        return {"healthy": False, "problem": "no version is live"}
    problem = health.app_problem(layout, current, timeout=5.0)
    pids = [process.pid for process in systemd.processes(layout.settings["systemd_service"], layout.versions)]
    return {"healthy": problem is None, "problem": problem, "pids": pids}


def _hotfixes(runner: Runner, layout: Layout, current: str | None) -> Facts:
    if current is None:
        return {}
    try:
        return dict(hotfixes.find(runner, layout, current))
    except CommandFailed as problem:
        return {"unreadable": [str(problem)]}


def _resolve(runner: Runner, layout: Layout, part: str, asked: Facts) -> Facts:
    """The commit that a ref stands for."""
    found: Facts = {"ref": asked["ref"], "sha": None}
    try:
        found["sha"] = git.resolve(runner, asked["url"], asked["ref"], layout.own / (part + ".git"))
    except (UnknownRef, CommandFailed) as problem:
        kind = "unknown" if isinstance(problem, UnknownRef) else "unreachable"
        return {**found, "kind": kind, "problem": masked_urls(str(problem))}
    return found
