"""The files that provision writes, as they are on a host by now: what it has written itself it may write anew."""

from __future__ import annotations

import contextlib
from pathlib import Path

from agent.host.reading import read_text
from agent.host.users import acting_as
from agent.versions.layout import Layout

# More than any of them has, bytes.
LARGEST = 64 * 1024
UNITS = Path("/etc/systemd/system")
SCRIPTS = ("backup_script", "maintenance_start_script", "maintenance_stop_script", "restore_script")


def unit_path(service: str) -> Path:
    """Where the unit of a service is a person's, or provision's."""
    return UNITS / (service if service.endswith(".service") else f"{service}.service")


def texts(layout: Layout) -> dict[str, str]:
    """The text of each, as far as it is a file that the app's user can read. A link is somebody's doing."""
    scripts = [path for key in SCRIPTS if (path := layout.optional_path(key))]
    found = {}
    with acting_as(layout.app):
        for path in (unit_path(layout.settings.systemd_service), layout.host_supervisord, *scripts):
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    found[str(path)] = read_text(path, LARGEST)
    return found
