"""The supervisord that runs the app's service at this moment."""

from __future__ import annotations

from pathlib import Path

from agent.inside.lean import dataclass
from agent.service import systemd
from agent.service.supervisor import Supervisor
from agent.service.supervisor_config import Sections, Unreadable, config_of, read_config
from agent.versions.layout import SUPERVISORD, Layout


@dataclass(frozen=True)
class Running:
    """The supervisord that runs, and the file that it was started with."""

    pid: int
    named: str
    sections: Sections
    layout: Layout

    @property
    def supervisor(self) -> Supervisor:
        """The way to ask it."""
        return Supervisor(self.sections, self.layout.app)


def running_config(layout: Layout) -> Sections | None:
    """The config of the supervisord that runs the service; None where none does, or where it can't be read."""
    try:
        return find_running(layout).sections
    except (Unreadable, OSError):
        return None


def find_running(layout: Layout) -> Running:
    """The supervisord that runs the service. Raises Unreadable where none does."""
    unit = layout.settings.systemd_service
    pid = systemd.main_pid(unit)
    if not pid:
        raise Unreadable(f"the service {unit} does not run")
    named = config_of(systemd.command_of(pid))
    if named is None:
        raise Unreadable(f"the main process of {unit} is not supervisord")
    named = named or str(layout.path("deployment_dir") / SUPERVISORD)
    return Running(pid, named, read_config(Path(named), layout.app), layout)
