"""The settings that a host is told, and writes down in its journals: what they mean, docs/settings.md says."""

# No `from __future__ import annotations`: see shapes.

import re
from dataclasses import field
from typing import Optional

from agent.inside.lean import dataclass

# A folder's name, and after an @ a part of the names of our units, which have some room for it.
_SITE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@.:-]{0,199}", re.ASCII)
# Where each site has its folder, an agent that knew of no sites had these.
_OF_EARLIER = ("lock", "history.jsonl", "transactions", "marks", "agent.lock")

# What a program, or what runs at times, may be called: a part of a unit's name.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
# The endings of a run that somebody may be told of: the last is one after a person was needed.
ENDINGS = ("committed", "fell_back", "needs_a_person", "late_end")

# How long a process that serves nobody may take to end, unless it is said, seconds.
STOPS = 60


def asks_for_release(python: str) -> bool:
    """Whether the settings ask for a release of Python, and not for a command or a path. Pure."""
    return re.fullmatch(r"3\.\d+(?:\.\d+)?", python, re.ASCII) is not None


def restarts(asked: Optional[str], unnoticed: bool) -> str:
    """How a host restarts its service: as the settings ask for; unless they do, unnoticed where that can be. Pure.

    + unnoticed: whether supervisord's config is Switchback's own, with which processes can be replaced one by one
    """
    return asked or ("rolling" if unnoticed else "restart")


def site_of(service: str) -> str:
    """The name of the site whose processes a service runs: the service's own. Pure. Raises ValueError."""
    name = service[: -len(".service")] if service.endswith(".service") else service
    if not _SITE.fullmatch(name) or name in _OF_EARLIER:
        raise ValueError(f"a site can't be called {name!r}")
    return name


@dataclass(frozen=True)
class Hook:
    """A command of the project's own that runs at one point of a run.

    + run: its words; on: the host, or the controller; timeout: seconds, where it has its own
    + primary: whether only the primary host has it
    """

    run: tuple[str, ...]
    on: str = "host"
    timeout: Optional[float] = None
    primary: bool = False


@dataclass(frozen=True)
class Process:
    """A program of the app's that supervisord runs, as the settings have it; what they leave open is as it is found.

    + run: its words; count: how many of it run; stop: how long one may take to end, seconds
    + once: whether it runs on one of all hosts; off: whether there is to be none
    """

    run: tuple[str, ...] = ()
    count: Optional[int] = None
    stop: Optional[int] = None
    once: Optional[bool] = None
    off: bool = False


@dataclass(frozen=True)
class Timed:
    """A command that runs at times, as the settings have it.

    + run: its words; at: when, as systemd's OnCalendar has it; timeout: how long it may take, seconds
    + once: whether it runs on one of all hosts
    """

    run: tuple[str, ...]
    at: str
    timeout: float = 3600
    once: bool = True

    @property
    def says(self) -> str:
        """When it runs, for a person."""
        return f"at {self.at}" + ("" if self.once else ", on each host")


@dataclass(frozen=True)
class Notify:
    """Who is told how a run has ended, as the settings have it.

    + run: the words of a command; none where a web address is told, which a host knows apart from its settings, for it
      may hold a secret
    + shape: of what is told, `json` or `slack`; at: which endings
    """

    run: tuple[str, ...] = ()
    shape: str = "json"
    at: tuple[str, ...] = ENDINGS


@dataclass(frozen=True)
class Settings:
    """The settings of a site, less the repositories' URLs, which may hold a password.

    + made_config: whether there is no config repository, so that a version's config is made of its code
    A journal may be an older agent's: what has a default here it may not have.
    """

    website_url: str
    app_username: str
    admin_username: str
    code_subdir: str
    config_subdir: str
    venv_subdir: str
    static_subdir: str
    versions_dir: str
    deployment_dir: str
    current_main: str
    previous_main: str
    current_working: str
    previous_working: str
    current_venv_dir: str
    current_code: str
    current_config: str
    python: str
    maintenance_start_script: str
    maintenance_stop_script: str
    backup_script: str
    systemd_service: str
    health_url: str
    health_status: tuple[int, ...]
    health_timeout: float
    health_stable: float
    site_status: tuple[int, ...]
    site_timeout: float
    confirm_timeout: float
    build_timeout: float
    script_timeout: float
    migrate_timeout: float
    restart_timeout: float
    keep_failed: int
    requirements: Optional[str] = None
    requirements_extras: tuple[str, ...] = ()
    requirements_groups: tuple[str, ...] = ()
    extra_requirements: tuple[str, ...] = ()
    build_script: Optional[str] = None
    install_script: Optional[str] = None
    hooks: dict[str, tuple[Hook, ...]] = field(default_factory=dict)
    restore_script: Optional[str] = None
    wheelhouse: Optional[str] = None
    reuse_venv: bool = True
    maintenance: Optional[str] = None
    restart: Optional[str] = None
    database_fallback: str = "keep"
    health_headers: dict[str, str] = field(default_factory=dict)
    lock_timeout: float = 2
    database_direct_url: Optional[str] = None
    boot_database_wait: float = 600
    worker_memory: int = 80
    worker_tasks: int = 4096
    static_keep_days: float = 0
    keep_versions: Optional[int] = None
    keep_backups: Optional[int] = None
    keep_runs: int = 50
    keep_history: int = 1000
    project_dir: Optional[str] = None
    settings_module: Optional[str] = None
    application: Optional[str] = None
    processes: dict[str, Process] = field(default_factory=dict)
    made_config: bool = False
    schedule: dict[str, Timed] = field(default_factory=dict)
    shared_dirs: dict[str, str] = field(default_factory=dict)
    shared_files: dict[str, str] = field(default_factory=dict)
    adopt: dict[str, str] = field(default_factory=dict)
    notify: Optional[Notify] = None

    def hooks_at(self, point: str, on: str = "host") -> tuple[Hook, ...]:
        """The hooks of one point of a run that run on a host, or on the controller."""
        return tuple(one for one in self.hooks.get(point, ()) if one.on == on)

    @property
    def restart_limit(self) -> float:
        """How long the service may take to restart, with the time in which its processes end what they are at."""
        # Of a Procfile's nobody knows here.
        return self.restart_timeout + self.processes_stop + (STOPS if self.made_config else 0)

    @property
    def processes_stop(self) -> int:
        """How long the processes that are named may take to end, one after the other, seconds."""
        return sum(STOPS if one.stop is None else one.stop for one in self.processes.values() if not one.off)

    @property
    def site(self) -> str:
        """The name of the site."""
        return site_of(self.systemd_service)
