"""The settings that a host is told, and writes down in its journals: what they mean, docs/settings.md says."""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field
from typing import Optional

from agent.inside.lean import dataclass


@dataclass(frozen=True)
class Settings:
    """The settings of a site, less the repositories' URLs, which may hold a password.

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
    requirements: str
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
    build_script: Optional[str] = None
    install_script: Optional[str] = None
    restore_script: Optional[str] = None
    wheelhouse: Optional[str] = None
    reuse_venv: bool = True
    maintenance: str = "always"
    restart: str = "restart"
    database_fallback: str = "keep"
    health_headers: dict[str, str] = field(default_factory=dict)
    lock_timeout: float = 2
    static_keep_days: float = 0
    keep_versions: Optional[int] = None
    keep_backups: Optional[int] = None
    keep_runs: int = 50
    keep_history: int = 1000
