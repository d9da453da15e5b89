"""What would be in the way of the app's next start, long before anybody starts it: logs that can't be written, files of
another's in the live version, and limits within which its processes can't end."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.host.reading import matching, walk
from agent.host.users import acting_as, may_write
from agent.service import obstacles, systemd
from agent.service.running import running_config
from agent.service.supervisor_config import Program, Sections, group_of, programs
from agent.versions.layout import Layout
from agent.words.seen import Foreign, UnwritableLog

# So many of another's files are told apart; more need not be counted.
ENOUGH = 1000
# How systemd writes a time, by its units in seconds.
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
# What supervisord takes for something else than a file.
NO_FILES = ("auto", "none", "syslog")
# How a Python that could not open a file says so.
DENIED = re.compile(r"PermissionError: \[Errno 13\] .*?: '(/[^'\n]+)'")


def logs(layout: Layout) -> tuple[UnwritableLog, ...]:
    """The logs that the supervisord that runs could not open again."""
    return tuple(unwritable_logs(layout, running_config(layout) or {}))


def by_a_link(layout: Layout, running: Sections) -> list[str]:
    """The programs of the supervisord that runs whose Python keeps to a link, each with the line to write."""
    venvs = (layout.path("current_venv_dir"), layout.path("current_main") / layout.settings.venv_subdir)
    return obstacles.by_a_link(running, [str(venv) for venv in venvs])


def unlaunched(running: Sections) -> tuple[str, ...]:
    """The programs that no launcher of a version starts: they have nothing of its environment."""
    return tuple(one.name for one in programs(running).values() if one.kind != "eventlistener" and not one.launcher)


def unwritable_logs(layout: Layout, sections: Sections) -> Iterator[UnwritableLog]:
    """The logs that supervisord could not write, were it to open them now; an owner of None for a missing folder."""
    if not _runs_as_app(layout, sections):
        return
    named = [("supervisord", value) for value in _files(sections.get("supervisord", {}))]
    named += [(one.name, value) for one in programs(sections).values() for value in _files(one.options)]
    with acting_as(layout.app):
        for program, value in named:
            pattern = re.sub(r"%\(\w+\)\d*[a-z]", "*", value)
            if not pattern.startswith("/"):
                continue
            found = matching(Path("/"), pattern)[:ENOUGH]
            for path in found or [Path(pattern).parent]:
                owner = _not_writable(layout.app, path, folder=not found)
                if owner != "":
                    yield UnwritableLog(program, str(path), owner)


def _runs_as_app(layout: Layout, sections: Sections) -> bool:
    """Whether supervisord opens its logs as the app's user: one that stays root can write them all."""
    user = systemd.unit_property(layout.settings.systemd_service, "User")
    return layout.app in (user, sections.get("supervisord", {}).get("user"))


def _not_writable(user: str, path: Path, folder: bool) -> str | None:
    """Whose a file, or a folder that files are made in, is that a user can't write; empty where he can.

    None for a folder that is not there. A pipe, or a device, is not looked at.
    """
    try:
        info = os.stat(path) if folder else os.lstat(path)
    except OSError:
        return "" if "*" in str(path) else None
    is_one = stat.S_ISDIR(info.st_mode) if folder else stat.S_ISREG(info.st_mode)
    return _owner(info.st_uid) if is_one and not may_write(user, info) else ""


def log_problem(log: UnwritableLog, app: str) -> str:
    """What to do about a log that supervisord could not write.

    >>> log_problem(UnwritableLog("web", "/srv/log", None), "app")
    "/srv/log is not there, so supervisord won't start web: install -d -o app /srv/log"
    """
    program = "" if log.program == "supervisord" else f" {log.program}"
    if log.owner is None:
        return f"{log.path} is not there, so supervisord won't start{program}: install -d -o {app} {log.path}"
    return _not_apps(log.path, log.owner, app, f"supervisord won't start{program} again")


def not_written(said: str, app: str) -> list[str]:
    """What to do about the files that an app says it could not open, where those are another's."""
    named = [Path(path) for path in dict.fromkeys(DENIED.findall(said))]
    owners = {path: _not_writable(app, path, folder=False) for path in named}
    return [_not_apps(str(path), owner, app, "the app won't start") for path, owner in owners.items() if owner]


def _not_apps(path: str, owner: str, app: str, so: str) -> str:
    return (
        f"{path} belongs to {owner} and {app} can't write it, so {so}: "
        f"chown {app}: {path}; where logrotate has made it, write create 640 {app} {app} there"
    )


def _files(options: Mapping[str, str]) -> list[str]:
    values = [options.get(key, "") for key in ("logfile", "stdout_logfile", "stderr_logfile")]
    return [value for value in values if value and value.lower() not in NO_FILES]


def foreign(layout: Layout, current: str) -> Foreign | None:
    """What of the live version is not the app user's."""
    own = pwd.getpwnam(layout.app).pw_uid
    count, first = 0, None
    try:
        for path, info in walk(str(layout.version(current))):
            if info.st_uid != own:
                count, first = count + 1, first or (path, _owner(info.st_uid))
                if count >= ENOUGH:
                    break
    except OSError:
        # A folder of another's that goes away meanwhile: what was found until then is told.
        pass
    return Foreign(count, *first) if first else None


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def stops_within(sections: Sections) -> int:
    """How long supervisord may take to stop all of its processes, seconds: one group after the other."""
    groups: dict[str, int] = {}
    for program in programs(sections).values():
        group = group_of(program.name, sections)
        groups[group] = max(groups.get(group, 0), program.stop_seconds)
    return sum(groups.values())


def slowest(sections: Sections) -> str:
    """Which program may take longest to stop, as words."""

    def patience(program: Program) -> int:
        return program.stop_seconds

    found = max(programs(sections).values(), key=patience, default=None)
    return f"{found.name} has stopwaitsecs={found.stop_seconds}" if found else ""


def stop_limit(layout: Layout) -> float | None:
    """How long systemd waits for the service to stop before it kills what is left, seconds; None for ever."""
    return seconds_of(systemd.unit_property(layout.settings.systemd_service, "TimeoutStopUSec"))


def seconds_of(text: str) -> float | None:
    """A time as systemd writes it; None for what is no time, as infinity.

    >>> seconds_of("1min 30s")
    90.0
    """
    parts = re.findall(r"([\d.]+)([a-z]+)", text)
    if not parts or any(unit not in UNITS for _, unit in parts):
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)
