"""The files that provision writes, as they are on a host by now: what it has written itself it may write anew."""

from __future__ import annotations

import contextlib

from agent.host.reading import read_text
from agent.host.users import acting_as
from agent.versions.layout import Layout, log_rotation

# More than any of them has, bytes.
LARGEST = 64 * 1024
SCRIPTS = ("backup_script", "maintenance_start_script", "maintenance_stop_script", "restore_script")


def texts(layout: Layout) -> dict[str, str]:
    """The text of each, as far as it is a file that the app's user can read. A link is somebody's doing."""
    scripts = [path for key in SCRIPTS if (path := layout.script(key))]
    scripts += [path for tools in layout.database_tools.values() for path in tools]
    found = {}
    with acting_as(layout.app):
        for path in (layout.unit, layout.host_supervisord, log_rotation(layout.settings.site), *scripts):
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    found[str(path)] = read_text(path, LARGEST)
    return found
